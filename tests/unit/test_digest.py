"""A digest changes with what code may do, and with nothing else."""

import re
from pathlib import Path

import pytest

from fashion.digest import PACKAGE, code_digests
from fashion.errors import UserError

MODULES = {
    "__init__.py": "",
    "stage.py": "import os\nfrom package.inner import helper\n\ndef main(): from package import lazy\n",
    "lazy.py": "import package.inner.other as other, package.missing\n",
    "alone.py": "X = 1\n",
    "style.py": 'STYLE = "look.style"\n',
    "look.style": "wide\n",
    "inner/__init__.py": "from .base import *\n",
    "inner/base.py": "from ..alone import X\n",
    "inner/helper.py": "def helper(a):\n    return a\n",
    "inner/other.py": "",
}

# What versions of Python parse differently, or used to.
DIFFICULT = r'''
"""Docstring."""
x = f"a" "b{x}" "c" f"{y!r:>{w}.2f}d" f"{x=}" u"k" "\N{BULLET}" f"{x:}" + f"{'a' 'b'}" + rb"z\0"
y: int = (-0.0, 1j, 10**400, True, None, ..., "", 1_000)
def f(a, /, b: int = 1, *c, d=None, **e) -> None: ...
async def g():
    """Docstring."""
    async with a as b, c: yield 1
    return [x async for x in y if z]
match x:
    case {"a": 1, **rest}: pass
    case [1, *_] | P(x=1) | None: pass
try: pass
except* E as e: raise
class A(B, metaclass=C):
    x: int
    "of an attribute"
with (open("a") as f, open("b")): pass
x[1:2, ...] = lambda *, k=1: (yield)
'''


@pytest.fixture
def make_package(tmp_path):
    """Write `MODULES` with changes; what imports from which folder is read once in a process."""

    def make(**changed: str) -> Path:
        package = tmp_path / str(len(list(tmp_path.iterdir()))) / "package"
        for name, text in (MODULES | changed).items():
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_text(text)
        return package

    return make


def digest_of(make_package, text: str) -> str:
    return code_digests("package.alone", package=make_package(**{"alone.py": text}))["package.alone"]


def test_imports_are_followed_to_any_depth_and_nothing_else(make_package):
    assert list(code_digests("package.stage", package=make_package())) == [
        "package",
        "package.alone",
        "package.inner",
        "package.inner.base",
        "package.inner.helper",
        "package.inner.other",
        "package.lazy",
        "package.stage",
    ]
    assert list(code_digests("package.alone", package=make_package())) == ["package", "package.alone"]


def test_modules_that_import_each_other_end(make_package):
    package = make_package(**{"alone.py": "import package.stage\n"})
    assert "package.lazy" in code_digests("package.alone", package=package)


def test_a_changed_helper_changes_its_own_digest_alone(make_package):
    before = code_digests("package.stage", package=make_package())
    after = code_digests("package.stage", package=make_package(**{"inner/helper.py": "def helper(b):\n    return b\n"}))
    assert {name for name in before if before[name] != after[name]} == {"package.inner.helper"}


def test_a_data_file_that_a_module_names_counts(make_package):
    before = code_digests("package.style", package=make_package())
    after = code_digests("package.style", package=make_package(**{"look.style": "narrow\n"}))
    assert {name for name in before if before[name] != after[name]} == {"package/look.style"}
    assert "package/look.style" not in code_digests("package.alone", package=make_package())


def test_a_yaml_file_counts_by_what_it_says(tmp_path):
    def digests(text: str) -> dict[str, str]:
        package = tmp_path / str(len(list(tmp_path.iterdir()))) / "package"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "rules.py").write_text('FILE = "rules.yaml"\n')
        (package / "rules.yaml").write_text(text)
        return code_digests("package.rules", package=package)

    assert digests("a: 1\nb: 2\n") == digests("# A comment.\n{b: 2, a: 1}\n") != digests("a: 1\nb: 3\n")


@pytest.mark.parametrize(
    "text",
    [
        "# A comment.\ndef f(a, b):\n    return a + b\n",
        'def f(a, b):\n    """A docstring."""\n    return a + b\n',
        '"""A docstring."""\n\n\ndef f(\n    a,\n    b,\n):\n\n    return (a\n            + b)  # and so on\n',
    ],
    ids=["comment", "docstring", "layout"],
)
def test_what_does_nothing_changes_nothing(make_package, text):
    assert digest_of(make_package, text) == digest_of(make_package, "def f(a, b):\n    return a + b\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 0", "x = None"),
        ("x = ''", "x = None"),
        ("x = ['']", "x = []"),
        ("x = 'a'", "x = b'a'"),
        ("x = a + b", "x = a - b"),
        ("x = (a + b) * c", "x = a + b * c"),
        ("def f(): y = 1", "def f(): z = 1"),
        ("import a", "import a as b"),
        ("import a; import b", "import b; import a"),
        ("f(a, b=1)", "f(b, a=1)"),
        ("f(*a)", "f(**a)"),
        ("def f(a, /, b): pass", "def f(a, b): pass"),
        ("def f(a): pass", "async def f(a): pass"),
        ("x = f'{a}'", "x = f'{a!r}'"),
        ("x = f'{a}b'", "x = f'{a}c'"),
        ("if a: b", "while a: b"),
        ("@a\ndef f(): pass", "def f(): pass"),
    ],
)
def test_what_may_do_something_else_changes_the_digest(make_package, before, after):
    assert digest_of(make_package, before) != digest_of(make_package, after)


def test_every_version_of_python_gives_the_same_digest(make_package):
    assert digest_of(make_package, DIFFICULT) == "6966d7bfbed9"


def test_a_syntax_error_is_said_in_one_line(make_package):
    with pytest.raises(UserError, match=r"package/alone\.py, line 2: "):
        digest_of(make_package, "x = 1\ndef f(:\n")


def test_a_module_that_does_not_exist_is_refused(make_package):
    with pytest.raises(ModuleNotFoundError, match=r"package\.nowhere"):
        code_digests("package.nowhere", package=make_package())


def test_the_package_imports_by_computed_name_only_its_model_families():
    """What the closure cannot see is what the rules add: a model's family."""
    computed = [path for path in PACKAGE.rglob("*.py") if re.search(r"import_module|__import__", path.read_text())]
    assert computed == [PACKAGE / "models/__init__.py"]


def test_a_training_depends_on_its_own_family_alone():
    training = code_digests("fashion.train", "fashion.models.vgg")
    assert {"fashion.models", "fashion.models.layers", "fashion.models.vgg", "fashion.augment"} <= training.keys()
    assert not {"fashion.models.vit", "fashion.models.resnet", "fashion.comparison"} & training.keys()
