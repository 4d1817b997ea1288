"""The house: which room may know of which, and that each thing is said once."""

import ast
import re
import sys
from itertools import accumulate
from pathlib import Path

import pytest

from helpers.checkout import ROOT

PACKAGE = ROOT / "src/fashion"
# The rooms in each row of CONTRIBUTING's table, from the ground up.
ROWS = [
    re.findall(r"`(\w+)/?`", names)
    for names in re.findall(
        r"^\| (`.*?) \|",
        (ROOT / "CONTRIBUTING.md").read_text().partition("| room |")[2].partition("\n\n")[0],
        re.MULTILINE,
    )
]
# For each room, those in the rows above its own: it may import them.
ABOVE = {name: above for row, above in zip(ROWS, accumulate(ROWS[:-1], initial=[]), strict=True) for name in row}
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def rooms_imported(source: str) -> set[str]:
    """The rooms that a module imports, at its top or in a function; "" stands for the package itself."""
    modules = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: a relative import"
            modules += [f"{node.module}.{alias.name}" for alias in node.names]
    return {f"{module}.".split(".")[1] for module in modules if module.split(".")[0] == "fashion"}


def test_every_form_of_import_is_seen():
    forms = ["from fashion.ask.runs import listing", "from fashion import ask", "from fashion.ask import runs as ours"]
    forms += ["import fashion.ask.runs", "import os, fashion.ask as ours", "def f():\n    import fashion.ask.runs"]
    forms += ["def f():\n    if f:\n        from fashion.ask import runs"]
    assert [rooms_imported(form) for form in forms] == [{"ask"}] * len(forms)
    assert rooms_imported("import fashionable, torch\nfrom os import path") == set()


def test_the_table_lists_every_room():
    assert {room(path) for path in MODULES} == set(ABOVE)
    assert "tables" not in ABOVE["figures"]
    assert {"errors", "tables", "figures"} < set(ABOVE["answer"])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_itself_and_those_above_it_in_the_table(path):
    assert rooms_imported(path.read_text()) <= {room(path), *ABOVE[room(path)]}


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("lock.py", {"fashion.errors"}),
        ("machine/lease.py", {"fashion.errors", "fashion.lock"}),
        ("study/digest.py", {"fashion.errors"}),
    ],
)
def test_a_module_that_others_may_copy_needs_only_what_it_says_beside_pythons_own_library(name, needs):
    tree = ast.parse((PACKAGE / name).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {getattr(node, "module", None) or alias.name for node in imports for alias in node.names}
    others = {module for module in modules if module.split(".")[0] not in sys.stdlib_module_names}
    assert others == needs
    assert "copy" in ast.get_docstring(tree)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_is_short(path):
    assert path.read_text().count("\n") <= 300


def test_a_rooms_face_holds_a_docstring_and_nothing_else():
    for path in PACKAGE.rglob("*/__init__.py"):
        assert all(isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body), path
