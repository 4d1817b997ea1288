"""Digests of the modules that compute something: they change when its result may, and not with what is around it.

Modules are parsed, never imported, so that planning a study stays instant. Of this package, only the lists at the top
know.
"""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path, PurePath

from fashion.errors import UserError

PACKAGE = Path(__file__).parents[1]
DIGITS = 12

# The modules that compute a stage's numbers. Command lines, logs and provenance are in modules that import these.
DATASET = ("fashion.data.idx",)
TRAINING = ("fashion.training.loop",)
EVALUATION = ("fashion.training.evaluate",)
# What the family named {} adds to stages that build a model, and to those that draw one: imported by computed names.
NETWORK = "fashion.models.{}.network"
DIAGRAM = "fashion.models.{}.diagram"
# Modules that compute no number, and why. They count only for a stage that starts with them.
LEFT_OUT = {
    "fashion.errors": "has the class of the errors that users see",
    "fashion.files": "writes what it is given",
    "fashion.stage": "reads command lines and writes logs",
    "fashion.study.run_folder": "names a run's files",
    "fashion.training.checkpoint": "saves a training, which ends with the same numbers if it goes on from there",
    "fashion.training.meter": "measures seconds and joules, which no code repeats",
}
# Conditions of what runs only for a type checker or a program.
GUARDS = ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'")
# A module that says one of these may read data files.
READERS = {"__file__", "__path__", "get_data", "importlib.resources"}


def code_digest(*modules: str, package: Path = PACKAGE) -> dict[str, str]:
    """Return the digest of each module in the import closure of `modules`, sorted by name.

    Any import statement of the package counts, wherever it stands, with the `__init__.py` of each package on the way. A
    module that is imported by a computed name is not seen: name it in `modules`. A module counts whole but for
    comments, docstrings, layout, annotations, log lines, the words of a raised error, and what only a type checker or a
    program runs.

    Data files count by their bytes: those that a module names as a string; of a module that says one of `READERS`, also
    those in its folder, below it, and in the folders that it names.

    Raises:
        UserError: a module is no Python; names the file and the line.

    Returns:
        A name such as `fashion.models.layers` or `fashion.figures.parts/fashion.mplstyle` -> its digest.
    """
    for name in modules:
        if not _path(package, name):
            raise ModuleNotFoundError(f"no {name} in {package}")
    digests: dict[str, str] = {}
    missing, seen = list(modules), {*modules, *LEFT_OUT}
    while missing:
        own, imported = _read(package, missing.pop())
        digests |= own
        missing += imported - seen
        seen |= imported
    return dict(sorted(digests.items()))


@cache
def _read(package: Path, name: str) -> tuple[dict[str, str], set[str]]:
    """The digests of a module and of its data files, and the modules of the package that it imports."""
    path = _path(package, name)
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}") from error
    for node in ast.walk(tree):
        _strip(node)
    nodes = list(ast.walk(tree))
    parent = name if path.name == "__init__.py" else name.rpartition(".")[0]
    named = {name, *(each for node in nodes for each in _imports(node, parent, package))}
    # Importing a.b.c imports a and a.b too.
    named = {prefix for each in named for prefix in accumulate(each.split("."), "{}.{}".format)}
    said = named | {node.id for node in nodes if isinstance(node, ast.Name)}
    said |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    strings = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    parts = {part for string in strings for part in PurePath(string).parts}
    digests = {name: _digest(_text(tree).encode())} if tree.body else {}
    for file in _data_files(package):
        inner = file.relative_to(package)
        read = READERS & said and (path.parent in file.parents or parts.intersection(inner.parts))
        if read or file.name in parts:
            digests[f"{'.'.join((package.name, *inner.parent.parts))}/{file.name}"] = _digest(file.read_bytes())
    return digests, {each for each in named if _path(package, each)}


@cache
def _path(package: Path, name: str) -> Path | None:
    """The file of a module; None if `package` has none of that name."""
    root, *parts = name.split(".")
    path = package.joinpath(*parts)
    files = (path / "__init__.py", path.with_suffix(".py")) if root == package.name else ()
    return next(filter(Path.is_file, files), None)


@cache
def _data_files(package: Path) -> list[Path]:
    """The files of a package that are no modules; hidden ones are an editor's or a system's."""
    files = (path for path in package.rglob("*") if path.suffix not in (".py", ".pyc") and path.is_file())
    return [path for path in files if not path.name.startswith(".")]


def _imports(node: ast.AST, parent: str, package: Path) -> list[str]:
    """The names of what a statement may import; `parent` is the package that it stands in."""
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            around = parent.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*around, *filter(None, [node.module])])
            names = [alias.name for alias in node.names]
            if names == ["*"]:  # a package's __all__ may name modules
                names = [path.stem for path in package.joinpath(*base.split(".")[1:]).glob("*")]
            return [base, *(f"{base}.{name}" for name in names)]
    return []


def _strip(node: ast.AST) -> None:
    """Take out of a syntax tree's node what changes no result."""
    for field in ("body", "orelse", "finalbody"):
        if isinstance(statements := getattr(node, field, None), list):
            setattr(node, field, list(_counted(statements, of_class=isinstance(node, ast.ClassDef))))
    match node:
        # A decorator may read annotations, as `singledispatch` does.
        case ast.FunctionDef(decorator_list=[]) | ast.AsyncFunctionDef(decorator_list=[]):
            node.returns = None
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
        case ast.Raise():
            for text in ast.walk(node):
                match text:
                    case ast.JoinedStr():
                        text.values = []
                    case ast.Constant(value=str()):
                        text.value = ""
        case ast.JoinedStr():  # Python 3.12 has empty texts between the values
            node.values = [each for each in node.values if getattr(each, "value", None) != ""]


def _counted(statements: Sequence[ast.stmt], of_class: bool) -> Iterator[ast.stmt]:
    """Those of a block's statements that do something when the module is imported."""
    for statement in statements:
        match statement:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="logger")))):
                pass
            case ast.If() if ast.unparse(statement.test) in GUARDS:
                yield from _counted(statement.orelse, of_class)
            case ast.AnnAssign(value=None) if not of_class:
                yield ast.Expr(statement.target)
            case ast.AnnAssign() if not of_class:
                # A class's annotations make the fields of a dataclass.
                yield ast.Assign([statement.target], statement.value)
            case _:
                yield statement


def _text(node: object) -> str:
    """A syntax tree as text, the same in every version of Python, unlike `ast.dump`."""
    if isinstance(node, list):
        return f"[{','.join(map(_text, node))}]"
    if not isinstance(node, ast.AST):
        return ascii(node)
    # Newer versions have more fields, which are empty unless new syntax is used; u"" is "".
    fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
    return f"{type(node).__name__}({','.join(f'{n}={_text(v)}' for n, v in fields if n not in ('kind', 'ctx'))})"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
