"""Digests of modules, which change only if what the modules compute may change.

Modules are parsed, never imported, so that planning stays instant. Only the constants at the top name this package.
"""

import ast
import hashlib
import json
import re
from functools import cache
from importlib.util import resolve_name
from itertools import accumulate
from pathlib import Path

from fashion.errors import UserError

PACKAGE = Path(__file__).parents[1]
# The modules that compute a stage's numbers. Modules with command lines, logs and provenance import these.
DATASET = ("fashion.data.idx",)
TRAINING = ("fashion.training.loop", "fashion.training.results")
EVALUATION = ("fashion.training.evaluation",)
# The modules of the family {} that stages import by a computed name, to build a model or to draw its diagram.
NETWORK, DIAGRAM = "fashion.models.{}.network", "fashion.models.{}.diagram"
# Modules that compute no number, and what they do. They count only where a stage lists them.
LEFT_OUT = {
    "fashion.errors": "has the class of the errors that users see",
    "fashion.files": "writes what it is given",
    "fashion.stage": "reads command lines and writes logs",
    "fashion.study.run_folder": "names a run's files",
    "fashion.training.checkpoint": "saves a training, which ends with the same numbers if it goes on from there",
    "fashion.machine.meter": "measures seconds and joules, which differ from run to run",
}
# Code under these conditions does not run on import. A module with one of these words reads files in its folder.
GUARDS = ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'")
READS = re.compile("'(__file__|__path__|get_data|resources|importlib.resources)'")


def code_digest(*modules: str, package: Path = PACKAGE) -> dict[str, str]:
    """Returns the digest of each module in the import closure of `modules`, sorted by name.

    Every import statement counts, and so does the `__init__.py` of each package on the way. A module that is imported
    by a computed name must be listed in `modules`. A digest leaves out comments, docstrings, layout, annotations, log
    lines, the words of raised errors, and code under `GUARDS`.

    Data files have digests of their bytes, under names such as `fashion.answer/page.css`. A file counts if a module
    names it in a string. If the module `READS` files, all files in and below its folder count, and those in folders
    that it names.

    Raises a `UserError` with file and line if a module is not valid Python.
    """
    digests: dict[str, str] = {}
    missing, seen = set(modules), {*modules, *LEFT_OUT}
    while missing:
        own, imported = _read(package, missing.pop())
        digests |= own
        missing |= imported - seen
        seen |= imported
    return dict(sorted(digests.items()))


def content_digest(**contents: object) -> dict[str, str]:
    """Returns the digest of each JSON value, such as the text of a file whose place does not count."""
    texts = {name: json.dumps(content, sort_keys=True) for name, content in contents.items()}
    return {name: hashlib.sha256(text.encode()).hexdigest()[:12] for name, text in texts.items()}


@cache
def _read(package: Path, name: str) -> tuple[dict[str, str], set[str]]:
    """Returns the digests of a module and of its data files, and the modules of the package that it imports."""
    modules, data_files = _files(package)
    path, nodes = modules[name], []
    try:
        text = _text(ast.parse(path.read_bytes()), nodes)
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}") from error
    imported, strings = {name}, set()
    for node in nodes:
        match node:
            case ast.Import():
                imported |= {alias.name for alias in node.names}
            case ast.ImportFrom():
                parent = name if path.name == "__init__.py" else name.rpartition(".")[0]
                base = resolve_name("." * node.level + (node.module or ""), parent)
                imported |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
                if node.names[0].name == "*":  # a package's __all__ may name any of its modules
                    imported |= {each for each in modules if each.startswith(f"{base}.")}
            case ast.Constant(value=str(string)):
                strings |= set(string.split("/"))
    # To import a.b.c is to import a and a.b too.
    imported = {prefix for each in imported for prefix in accumulate(each.split("."), "{}.{}".format)}
    contents = {name: text.encode()} if text != "Module()" else {}
    reads = READS.search(text)
    for file, place in data_files.items():
        if file.name in strings or (reads and (path.parent in file.parents or strings.intersection(place.parts))):
            contents[f"{package.name}.{place.as_posix()}"] = file.read_bytes()
    digests = {key: hashlib.sha256(content).hexdigest()[:12] for key, content in contents.items()}
    return digests, imported & modules.keys()


@cache
def _files(package: Path) -> tuple[dict[str, Path], dict[Path, Path]]:
    """Returns a package's modules by name, and its other files, except hidden ones, with their place in it."""
    places = {file: file.relative_to(package) for file in package.rglob("[!.]*") if file.is_file()}
    names = {file: ".".join((package.name, *place.with_suffix("").parts)) for file, place in places.items()}
    modules = {name.removesuffix(".__init__"): file for file, name in names.items() if file.suffix == ".py"}
    return modules, {file: place for file, place in places.items() if file.suffix not in (".py", ".pyc")}


def _text(node: object, nodes: list[ast.AST], in_class: bool = False) -> str:
    """Returns the part of a syntax tree that counts, as a text that is equal in all versions of Python.

    Adds the nodes of that part to `nodes`.
    """
    if isinstance(node, list):
        return ",".join(filter(None, (_text(each, nodes, in_class) for each in node)))
    if not isinstance(node, ast.AST):
        return ascii(node)
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant() | ast.Call(func=ast.Attribute(value=ast.Name(id="logger")))):
            return ""
        case ast.If() if ast.unparse(node.test) in GUARDS:
            return _text(node.orelse, nodes, in_class)
        case ast.AnnAssign(value=ast.expr() as value) if not in_class:  # `dataclass` reads the annotations of a class
            node = ast.Assign([node.target], value)
        case ast.FunctionDef(decorator_list=[]) | ast.AsyncFunctionDef(decorator_list=[]):  # a decorator may read them
            for part in [node, *ast.walk(node.args)]:
                vars(part).update(returns=None, annotation=None)
        case ast.Raise(exc=ast.Call() as call):
            call.args = [one for one in call.args if not isinstance(getattr(one, "value", one), str | ast.JoinedStr)]
        case ast.JoinedStr():  # Python 3.12 puts empty texts between the values
            node.values = [each for each in node.values if getattr(each, "value", None) != ""]
    nodes.append(node)
    in_class = isinstance(node, ast.ClassDef) or (in_class and not isinstance(node, ast.FunctionDef))
    # Newer versions of Python have more fields, empty unless new syntax is used. `kind` tells u"" from "".
    texts = ((key, _text(value, nodes, in_class)) for key, value in ast.iter_fields(node) if key not in ("ctx", "kind"))
    return f"{type(node).__name__}({','.join(f'{key}={text}' for key, text in texts if text not in ('', 'None'))})"
