"""The house: which room may know of which, and that each thing is said once."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src/fashion"
# From the ground up: a room imports itself and those before it.
ROOMS = ("errors", "image", "files", "stage", "models", "study", "data", "training", "records", "tables", "answer")
ROOMS += ("figures", "reference", "ask", "__main__")
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def test_every_module_is_in_a_room():
    assert {room(path) for path in MODULES} == set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    above = ROOMS[ROOMS.index(room(path)) + 1 :]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fashion."):
            assert node.module.split(".")[1] not in above, f"line {node.lineno} imports {node.module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_stages_name_is_derived_and_files_are_short(path):
    text = path.read_text()
    assert not re.search(r"prog=.python -m|_parser\(.fashion\.|_table\(.fashion\.|draw_runs\(.fashion\.", text)
    assert text.count("\n") <= 340


def test_a_rooms_face_holds_a_docstring_and_nothing_else():
    for path in PACKAGE.rglob("*/__init__.py"):
        assert all(isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body), path
