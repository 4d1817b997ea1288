"""A digest changes with what code may do, and with nothing else."""

import re
from pathlib import Path

import pytest

from fashion.errors import UserError
from fashion.study.digest import NETWORK, PACKAGE, TRAINING, code_digests

MODULES = {
    "__init__.py": "",
    "stage.py": """
import os
from package import lazy, unused
from package.inner import helper
def compute(): return helper.helper(1) + OTHER
def main():
    parse("help")
    compute()
OTHER = lazy.X
def parse(help): ...
if __name__ == "__main__":
    main()
""",
    "lazy.py": "from .inner.base import Y as X\nprint('imported')\ndef other(): ...\n",
    "unused.py": "",
    "alone.py": "X = 1\n",
    "style.py": 'STYLE = "look.style"\nNONE = 1\n',
    "look.style": "wide\n",
    "inner/__init__.py": "",
    "inner/base.py": "from ..alone import X\nY = X\nZ = 1\n",
    "inner/helper.py": "def helper(a):\n    from package.inner.local import f\n    return f(a)\ndef other(): ...\n",
    "inner/local.py": "def f(a): return a\n",
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


def changed(make_package, start: str, file: str, old: str, new: str) -> set[str]:
    """The modules whose digests differ once `file` says `new` in place of `old`."""
    assert old in MODULES[file]
    before = code_digests(start, package=make_package())
    after = code_digests(start, package=make_package(**{file: MODULES[file].replace(old, new)}))
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_what_is_used_is_followed_to_any_depth_and_nothing_else(make_package):
    assert list(code_digests("package.stage:compute", package=make_package())) == [
        "package.alone",
        "package.inner.base",
        "package.inner.helper",
        "package.inner.local",
        "package.lazy",
        "package.stage",
    ]
    assert list(code_digests("package.alone", package=make_package())) == ["package.alone"]


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("stage.py", '"help"', '"other help"', set()),  # the caller, and what it alone uses
        ("stage.py", "def parse(help): ...", "def parse(help): print(help)", set()),
        ("stage.py", "    main()", "    main() or 1", set()),
        ("inner/helper.py", "def other(): ...", "def other(): print()", set()),
        ("inner/base.py", "Z = 1", "Z = 2", set()),
        ("stage.py", "import os", "import os, sys", set()),
        ("stage.py", "OTHER = lazy.X", "OTHER = -lazy.X", {"package.stage"}),
        ("inner/base.py", "Y = X", "Y = 2 * X", {"package.inner.base"}),
        ("alone.py", "X = 1", "X = 2", {"package.alone"}),
        ("inner/local.py", "return a", "return 2 * a", {"package.inner.local"}),
        ("lazy.py", "print('imported')", "print('there')", {"package.lazy"}),  # done when it is imported
    ],
)
def test_a_definition_counts_with_what_it_uses(make_package, file, old, new, changes):
    assert changed(make_package, "package.stage:compute", file, old, new) == changes


def test_of_a_whole_module_every_definition_counts(make_package):
    edit = ("stage.py", '"help"', '"other help"')
    assert changed(make_package, "package.stage", *edit) == {"package.stage"}


def test_modules_that_import_each_other_end(make_package):
    package = make_package(**{"alone.py": "from package.stage import compute\nX = compute\n"})
    assert "package.lazy" in code_digests("package.alone", package=package)


def test_a_data_file_that_a_definition_names_counts(make_package):
    assert changed(make_package, "package.style:STYLE", "look.style", "wide", "narrow") == {"package/look.style"}
    assert changed(make_package, "package.style:NONE", "look.style", "wide", "narrow") == set()


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
        'def f(a, b):\n    logger.info(f"adding {a}")\n    return a + b\n',
        "def f(a: int, b: int) -> int:\n    return a + b\n",
        "import math\n\n\ndef f(a, b):\n    return a + b\n",
    ],
    ids=["comment", "docstring", "layout", "log", "annotations", "unused import"],
)
def test_what_computes_nothing_changes_nothing(make_package, text):
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
        ("f(a, b=1)", "f(b, a=1)"),
        ("f(*a)", "f(**a)"),
        ("def f(a, /, b): pass", "def f(a, b): pass"),
        ("class A:\n    x: int", "class A:\n    x: str"),
        ("if a: raise E(a)", "if b: raise E(a)"),
        ("raise E(a)", "raise F(a)"),
        ("def f(a): pass", "async def f(a): pass"),
        ("x = f'{a}'", "x = f'{a!r}'"),
        ("x = f'{a}b'", "x = f'{a}c'"),
        ("if a: b", "while a: b"),
        ("@a\ndef f(): pass", "def f(): pass"),
    ],
)
def test_what_may_do_something_else_changes_the_digest(make_package, before, after):
    assert digest_of(make_package, before) != digest_of(make_package, after)


def test_how_an_error_is_worded_changes_nothing(make_package):
    text = 'def f(a):\n    if a:\n        raise UserError(f"{a} is wrong") from None\n'
    assert digest_of(make_package, text) == digest_of(make_package, text.replace("wrong", "not right"))


def test_every_version_of_python_gives_the_same_digest(make_package):
    assert digest_of(make_package, DIFFICULT) == "88eab705baae"


def test_a_syntax_error_is_said_in_one_line(make_package):
    with pytest.raises(UserError, match=r"package/alone\.py, line 2: "):
        digest_of(make_package, "x = 1\ndef f(:\n")


def test_a_module_that_does_not_exist_is_refused(make_package):
    for start in ("package.nowhere", "package.alone:nothing"):
        with pytest.raises(ModuleNotFoundError, match=start.rpartition(":")[0] or start):
            code_digests(start, package=make_package())


def test_the_package_imports_by_computed_name_only_its_model_families():
    """What the closure cannot see is what the rules add: a model's family."""
    computed = [path for path in PACKAGE.rglob("*.py") if re.search(r"import_module|__import__", path.read_text())]
    assert computed == [PACKAGE / "models/families.py"]


def test_a_training_depends_on_its_own_family_and_on_no_words_around_it():
    training = code_digests(*TRAINING, NETWORK.format("vgg"))
    needed = {"fashion.models.build", "fashion.models.layers", "fashion.models.fast_cpu"}
    needed |= {"fashion.models.vgg.network", "fashion.data.operations"}
    assert needed <= training.keys()
    around = {"fashion.stage", "fashion.training.provenance", "fashion.machine.lease", "fashion.training.checkpoint"}
    around |= {"fashion.machine.gpus", "fashion.machine.device"}
    planning = {"fashion.models.vgg.settings", "fashion.models.vgg.diagram", "fashion.study.resources"}
    others = {"fashion.models.vit.network", "fashion.models.resnet.network", "fashion.tables.comparison"}
    assert not (around | planning | others) & training.keys()
