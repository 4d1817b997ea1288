"""Digests of modules: they change when what the modules compute may change, and not with the words around it.

Modules are parsed, never imported, so that planning a study stays instant. Only the lists at the top know this package.
"""

import ast
import hashlib
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
# What the family named {} adds to stages that build a model, and to those that draw one: imported by computed names.
NETWORK, DIAGRAM = "fashion.models.{}.network", "fashion.models.{}.diagram"
# Modules that compute no number, and what they do instead. They count only if a stage lists them.
LEFT_OUT = {
    "fashion.errors": "has the class of the errors that users see",
    "fashion.files": "writes what it is given",
    "fashion.stage": "reads command lines and writes logs",
    "fashion.study.run_folder": "names a run's files",
    "fashion.training.checkpoint": "saves a training, which ends with the same numbers if it goes on from there",
    "fashion.machine.meter": "measures seconds and joules, which differ from run to run",
}
# The conditions of what only a type checker or a program runs; and the words of modules that read files beside them.
GUARDS = ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'")
READS = re.compile("'(__file__|__path__|get_data|resources|importlib.resources)'")


def code_digest(*modules: str, package: Path = PACKAGE) -> dict[str, str]:
    """Return the digest of each module in the import closure of `modules`, sorted by name.

    Every import statement counts, and so does the `__init__.py` of each package on the way. The closure does not see a
    module that is imported by a computed name: list it in `modules`. A digest covers all of a module's code but
    comments, docstrings, layout, annotations, log lines, the words of raised errors, and what stands under `GUARDS`.

    Data files have digests of their bytes, by names such as `fashion.answer/page.css`: each file that a module names in
    a string, and if the module `READS` files, each one in its folder, below it, or in a folder that it names.

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


@cache
def _read(package: Path, name: str) -> tuple[dict[str, str], set[str]]:
    """Return the digests of a module and of its data files, and the modules of the package that it imports."""
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
    """Return a package's modules by name, and its other files with their place in it, but no hidden ones."""
    places = {file: file.relative_to(package) for file in package.rglob("[!.]*") if file.is_file()}
    names = {file: ".".join((package.name, *place.with_suffix("").parts)) for file, place in places.items()}
    modules = {name.removesuffix(".__init__"): file for file, name in names.items() if file.suffix == ".py"}
    return modules, {file: place for file, place in places.items() if file.suffix not in (".py", ".pyc")}


def _text(node: object, nodes: list[ast.AST], in_class: bool = False) -> str:
    """Return what counts of a syntax tree, the same in every version of Python; add its nodes to `nodes`."""
    if isinstance(node, list):
        return ",".join(filter(None, (_text(each, nodes, in_class) for each in node)))
    if not isinstance(node, ast.AST):
        return ascii(node)
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant() | ast.Call(func=ast.Attribute(value=ast.Name(id="logger")))):
            return ""
        case ast.If() if ast.unparse(node.test) in GUARDS:
            return _text(node.orelse, nodes, in_class)
        case ast.AnnAssign(value=ast.expr() as value) if not in_class:  # of a class, `dataclass` reads it
            node = ast.Assign([node.target], value)
        case ast.FunctionDef(decorator_list=[]) | ast.AsyncFunctionDef(decorator_list=[]):  # or a decorator
            for part in [node, *ast.walk(node.args)]:
                vars(part).update(returns=None, annotation=None)
        case ast.Raise(exc=ast.Call() as call):
            call.args = [one for one in call.args if not isinstance(getattr(one, "value", one), str | ast.JoinedStr)]
        case ast.JoinedStr():  # Python 3.12 has empty texts between the values
            node.values = [each for each in node.values if getattr(each, "value", None) != ""]
    nodes.append(node)
    in_class = isinstance(node, ast.ClassDef) or (in_class and not isinstance(node, ast.FunctionDef))
    # Newer versions have more fields, which are empty unless new syntax is used; u"" is "".
    texts = ((key, _text(value, nodes, in_class)) for key, value in ast.iter_fields(node) if key not in ("ctx", "kind"))
    return f"{type(node).__name__}({','.join(f'{key}={text}' for key, text in texts if text not in ('', 'None'))})"
