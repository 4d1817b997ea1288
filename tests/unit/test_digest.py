"""A digest changes with each edit that may change a number, and with no other."""

import ast
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

import pytest

from fashion.errors import UserError
from fashion.study.digest import DATASET, EVALUATION, LEFT_OUT, NETWORK, PACKAGE, TRAINING, code_digest, content_digest
from helpers.edits import AROUND, DIFFICULT, DONE, GAIN, IMPORTED, READ, SAID, SAME, WITHIN


def as_files(loop: str | dict[str, str]) -> dict[str, str]:
    return {"loop.py": loop} if isinstance(loop, str) else loop


# By name: a package's files, and in one of them, old -> new.
CAUGHT = {
    **{f"{name}, a function's module": (as_files(loop) | {GAIN[0]: GAIN[1]}, *GAIN) for name, loop in IMPORTED.items()},
    **{f"{name}, in another module": case for name, case in DONE.items()},
    **{f"{name}, in the module": ({"loop.py": text}, "loop.py", old, new) for name, (text, old, new) in SAID.items()},
    **{
        f"{name}, a data file": ({**files, "data/table.csv": "2"}, "data/table.csv", "2", "3")
        for name, files in READ.items()
    },
}


@pytest.fixture
def make_package(tmp_path) -> Callable[[Mapping[str, str]], Path]:
    """Write a package; what imports from which folder is read once in a process."""

    def make(files: Mapping[str, str]) -> Path:
        package = tmp_path / str(len(list(tmp_path.iterdir()))) / "package"
        for folder in {package, *((package / name).parent for name in files)}:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "__init__.py").touch()
        for name, text in files.items():
            (package / name).write_text(text)
        return package

    return make


@pytest.fixture
def compute(monkeypatch) -> Callable[[Path], object]:
    """What a package's `loop.compute` returns where nothing of it is imported yet."""

    def run(package: Path) -> object:
        backends = package.parent / "backends"
        backends.mkdir()
        (backends / "cudnn.py").write_text("allow_tf32 = True\n")
        with monkeypatch.context() as context:
            context.syspath_prepend(package.parent)
            try:
                return import_module("package.loop").compute()
            finally:
                for name in [name for name in sys.modules if name.partition(".")[0] in ("package", "backends")]:
                    del sys.modules[name]

    return run


@pytest.fixture
def edited(tmp_path) -> Callable[[str, str, str], Path]:
    """A copy of this package with one of its files edited."""

    def copy(file: str, old: str, new: str) -> Path:
        package = tmp_path / "fashion"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "trained"))
        text = (package / file).read_text()
        assert old in text
        (package / file).write_text(text.replace(old, new, 1))
        return package

    return copy


@pytest.fixture
def digest_of(make_package) -> Callable[[str], str]:
    """The digest of a module that says `text`."""
    return lambda text: code_digest("package.alone", package=make_package({"alone.py": text}))["package.alone"]


def training_digest(package: Path = PACKAGE) -> dict[str, str]:
    return code_digest(*TRAINING, NETWORK.format("vgg"), package=package)


@pytest.mark.parametrize("case", CAUGHT)
def test_an_edit_that_changes_a_result_changes_the_digest(make_package, compute, case):
    files, file, old, new = CAUGHT[case]
    assert files[file].count(old) == 1
    before, after = make_package(files), make_package({**files, file: files[file].replace(old, new)})
    assert compute(before) != compute(after)
    assert code_digest("package.loop", package=before) != code_digest("package.loop", package=after)


@pytest.mark.parametrize("case", SAME)
def test_an_edit_that_changes_no_result_changes_nothing(digest_of, case):
    before, after = SAME[case]
    assert digest_of(before) == digest_of(after)


@pytest.mark.parametrize("case", AROUND)
def test_what_is_around_a_training_retrains_nothing(edited, case):
    assert training_digest(edited(*AROUND[case])) == training_digest()


@pytest.mark.parametrize("case", WITHIN)
def test_what_a_training_computes_retrains_and_is_named(edited, case):
    file = WITHIN[case][0]
    module = ".".join(("fashion", *Path(file).with_suffix("").parts)).removesuffix(".__init__")
    before, after = training_digest(), training_digest(edited(*WITHIN[case]))
    assert [name for name in {**before, **after} if before.get(name) != after.get(name)] == [module]


def test_only_what_is_imported_counts(make_package):
    files = {"loop.py": "from package.data import gain\n", "data/gain.py": "X = 1\n", "data/other.py": "X = 2\n"}
    files |= {"data/__init__.py": '"""Data."""\n', "data/table.csv": "1", "unused.py": "X = 3\n"}
    assert list(code_digest("package.loop", package=make_package(files))) == ["package.data.gain", "package.loop"]


def test_modules_that_import_each_other_end(make_package):
    package = make_package({"one.py": "from package import two\n", "two.py": "from package import one\n"})
    assert list(code_digest("package.one", package=package)) == ["package.one", "package.two"]


def test_a_data_file_is_named_with_its_folder(make_package):
    files = {"loop.py": "NAMES = 'table.csv', 'look/a.style'\n", "data/table.csv": "", "data/.table.csv.swp": ""}
    files |= {"data/look/a.style": "", "data/look/b.style": ""}
    digests = code_digest("package.loop", package=make_package(files))
    assert list(digests) == ["package.data/look/a.style", "package.data/table.csv", "package.loop"]


def test_every_version_of_python_gives_the_same_digest(digest_of):
    assert digest_of(DIFFICULT) == "c3f6d81156e6"


def test_a_syntax_error_is_said_in_one_line(digest_of):
    with pytest.raises(UserError, match=r"package/alone\.py, line 2: "):
        digest_of("x = 1\ndef f(:\n")


def test_a_module_that_does_not_exist_is_refused(make_package):
    with pytest.raises(KeyError, match=r"package\.nowhere"):
        code_digest("package.nowhere", package=make_package({}))


def test_the_package_imports_by_computed_name_only_its_model_families():
    """What the closure cannot see is what the rules add: a model's family."""
    computed = [path for path in PACKAGE.rglob("*.py") if re.search(r"import_module|__import__", path.read_text())]
    assert computed == [PACKAGE / "models/families.py"]


def test_what_is_left_out_exists_and_counts_where_a_stage_starts_with_it():
    assert LEFT_OUT.keys() <= code_digest(*LEFT_OUT).keys()


def test_a_training_depends_on_its_own_family_and_on_nothing_around_it():
    training = training_digest().keys()
    needed = {"fashion.models.build", "fashion.models.layers", "fashion.models.vgg.network", "fashion.data.operations"}
    assert needed <= training
    around = {f"fashion.training.{name}" for name in ("train", "provenance", "lease", "usage", "device", "gpus")}
    planning = {"fashion.models.vgg.settings", "fashion.models.vgg.diagram", "fashion.study.resources"}
    others = {"fashion.models.vit.network", "fashion.models.resnet.network", "fashion.tables.comparison"}
    assert not (LEFT_OUT.keys() | around | planning | others) & training
    assert not ({"fashion.training.loop"} | LEFT_OUT.keys() | around) & code_digest(*EVALUATION).keys()
    assert "fashion.data.download" not in code_digest(*DATASET)


def test_the_file_can_be_lifted_out():
    tree = ast.parse((PACKAGE / "study/digest.py").read_text())
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert [module for module in modules if module.startswith("fashion")] == ["fashion.errors"]


def test_values_that_are_equal_have_equal_digests_each():
    before = content_digest(curves="P1,1", claims={"a": 1, "b": 2})
    assert content_digest(curves="P1,1", claims={"b": 2, "a": 1}) == before
    after = content_digest(curves="P1,2", claims={"a": 1, "b": 2})
    assert after["curves"] != before["curves"]
    assert after["claims"] == before["claims"]
