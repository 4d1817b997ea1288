"""Digests of the code that computes something: they change when its result may, and not with what is around it.

Modules are parsed, never imported, so that planning a study stays instant.
"""

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from fashion.errors import UserError
from fashion.files import canonical_json

PACKAGE = Path(__file__).parents[1]
DIGITS = 12

# Where the code begins that computes a stage's numbers: what calls it, its command line, log and provenance, computes
# none. What a model's family adds is the module of that name.
DATASET = ("fashion.data.idx:parse",)
TRAINING = (
    "fashion.training.loop:Training",
    "fashion.training.inference:use_device",
    "fashion.data.dataset:load",
    "fashion.training.train:write_outputs",
)
EVALUATION = ("fashion.training.evaluate:evaluate", "fashion.training.inference:use_device")

# In place of a definition's name: all of a module; and what it does when it is imported.
ALL, EFFECTS = "*", ""

# Module and definition.
Place = tuple[str, str]


@dataclass(frozen=True)
class Module:
    """A module's parts.

    `definitions` has the statements that bind each top-level name, `EFFECTS` those that bind none; `imports` the place
    in the package that an imported name stands for.
    """

    path: Path
    definitions: dict[str, list[ast.stmt]] = field(default_factory=lambda: defaultdict(list))
    imports: dict[str, Place] = field(default_factory=dict)


def code_digests(*starts: str, package: Path = PACKAGE) -> dict[str, str]:
    """The digest of what `starts` run of each module of their package, at any depth, sorted by name.

    A start is a module, `fashion.models.vgg`, or a definition in one, `fashion.training.loop:Training`. Each name that
    a definition uses is followed to its own definition, in the same module or where it is imported from; what a module
    does when it is imported counts with any of its definitions. A module that is imported by a computed name is not
    seen: name it in `starts`. A data file that lies beside a module, and whose name a definition has as a string,
    counts too: a .yaml file by what it says, any other by its bytes.

    Comments, docstrings, layout, annotations of arguments, calls of `logger` and what a raised error says do not count.

    Raises:
        UserError: a module is no Python; names the file and the line.

    Returns:
        A name such as `fashion.models.vgg` or `fashion.figures.parts/fashion.mplstyle` -> its digest.
    """
    reached: dict[str, set[str]] = defaultdict(set)
    missing: list[Place] = [
        (name, definition or ALL) for name, _, definition in (start.partition(":") for start in starts)
    ]
    while missing:
        name, definition = missing.pop()
        module = _module(package, name)
        if module is None or definition not in (ALL, EFFECTS, *module.definitions, *module.imports):
            raise ModuleNotFoundError(f"no {definition} of {name} in {package}")
        if definition == ALL:
            missing += [(name, each) for each in (EFFECTS, *module.definitions)]
        elif definition in module.imports and definition not in module.definitions:
            missing += [module.imports[definition], (name, EFFECTS)]
        elif definition not in reached[name]:
            reached[name].add(definition)
            missing.append((name, EFFECTS))
            for statement in module.definitions.get(definition, []):
                missing += _used(statement, package, name, module)
    digests: dict[str, str] = {}
    for name, definitions in reached.items():
        module = _module(package, name)
        statements = [one for each in sorted(definitions) for one in module.definitions.get(each, [])]
        if statements:
            digests[name] = _digest(_canonical(statements).encode())
            digests |= _data_files(statements, module.path, _parent(module.path, name))
    return dict(sorted(digests.items()))


@cache
def _module(package: Path, name: str) -> Module | None:
    """A module's parts; None if `package` has none of that name."""
    root, *parts = name.split(".")
    path = package.joinpath(*parts)
    path = next(filter(Path.is_file, (path.with_suffix(".py"), path / "__init__.py")), None)
    if root != package.name or path is None:
        return None
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}") from error
    module = Module(path)
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            module.imports.update(_imported(statement, package, _parent(path, name)))
        elif not _is_idle(statement) and not _is_guard(statement):
            for bound in _bound(statement) or [EFFECTS]:
                module.definitions[bound].append(statement)
    return module


def _parent(path: Path, name: str) -> str:
    """The package that a module's relative imports start from."""
    return name if path.name == "__init__.py" else name.rpartition(".")[0]


def _bound(statement: ast.stmt) -> list[str]:
    """The names that a top-level statement binds and does nothing else for; none for others."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [statement.name]
        case ast.Assign():
            targets = statement.targets
        case ast.AnnAssign() | ast.AugAssign():
            targets = [statement.target]
        case _:
            return []
    return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]


def _is_guard(statement: ast.stmt) -> bool:
    """Whether a statement runs only for a program or for a type checker: `if __name__ ...`, `if TYPE_CHECKING`."""
    if not isinstance(statement, ast.If):
        return False
    return any(
        isinstance(node, ast.Name) and node.id in ("__name__", "TYPE_CHECKING") for node in ast.walk(statement.test)
    )


def _imported(statement: ast.Import | ast.ImportFrom, package: Path, parent: str) -> Iterator[tuple[str, Place]]:
    """Each name that an import of the package binds, with what it stands for; `parent` is the package it is in."""
    if isinstance(statement, ast.Import):
        places = [(alias.asname or alias.name, (alias.name, ALL)) for alias in statement.names]
    else:
        around = parent.split(".")[: 1 - statement.level or None] if statement.level else []
        base = ".".join([*around, *filter(None, [statement.module])])
        places = [
            (
                alias.asname or alias.name,
                (f"{base}.{alias.name}", ALL) if _exists(package, f"{base}.{alias.name}") else (base, alias.name),
            )
            for alias in statement.names
        ]
    yield from (place for place in places if _exists(package, place[1][0]))


def _exists(package: Path, name: str) -> bool:
    root, *parts = name.split(".")
    path = package.joinpath(*parts)
    return root == package.name and (path.with_suffix(".py").is_file() or (path / "__init__.py").is_file())


def _used(statement: ast.stmt, package: Path, name: str, module: Module) -> Iterator[Place]:
    """The places that the names in a statement stand for."""
    nodes = list(_walk(statement))
    imports = dict(module.imports)
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.update(_imported(node, package, _parent(module.path, name)))
    # `comparison.compare` of an imported module is that definition; the module's bare name would be all of it.
    attributes = {
        id(node.value): (imports[node.value.id][0], node.attr)
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and imports.get(node.value.id, (EFFECTS, EFFECTS))[1] == ALL
    }
    for node in nodes:
        if isinstance(node, ast.Name):
            if node.id in module.definitions:
                yield name, node.id
            elif node.id in imports:
                yield attributes.get(id(node), imports[node.id])


def _data_files(statements: list[ast.stmt], path: Path, parent: str) -> dict[str, str]:
    """The digests of the data files beside a module that its statements name."""
    constants = {node.value for one in statements for node in _walk(one) if isinstance(node, ast.Constant)}
    return {
        f"{parent}/{file.name}": _digest(_content(file))
        for file in path.parent.iterdir()
        if file.name in constants and file.suffix != ".py" and file.is_file()
    }


def _content(file: Path) -> bytes:
    """What of a data file counts."""
    if file.suffix != ".yaml":
        return file.read_bytes()
    import yaml

    return canonical_json(yaml.safe_load(file.read_bytes())).encode()


def _fields(node: ast.AST) -> list[tuple[str, object]]:
    """The fields of a syntax tree's node that count, the same in every version of Python, unlike `ast.iter_fields`."""
    # Newer versions have more fields, which are empty unless new syntax is used; u"" is "".
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, []) and name != "kind"}
    match node:
        case ast.arg():
            fields.pop("annotation", None)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            fields.pop("returns", None)
        case ast.Raise(exc=ast.Call()):
            fields["exc"] = node.exc.func
        case ast.JoinedStr():
            # 3.12 has empty texts between the values of an f-string.
            fields["values"] = [one for one in node.values if not (isinstance(one, ast.Constant) and one.value == "")]
    return [
        (name, [entry for entry in value if not _is_idle(entry)] if isinstance(value, list) else value)
        for name, value in fields.items()
    ]


def _is_idle(node: object) -> bool:
    """Whether a statement computes nothing: a docstring or another mere constant, a log line."""
    match node:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="logger")))):
            return True
    return False


def _walk(node: object) -> Iterator[ast.AST]:
    """All nodes of a syntax tree that count."""
    if isinstance(node, list):
        for entry in node:
            yield from _walk(entry)
    elif isinstance(node, ast.AST):
        yield node
        for _, value in _fields(node):
            yield from _walk(value)


def _canonical(node: object) -> str:
    """What counts of a syntax tree, as text."""
    if isinstance(node, list):
        return f"[{','.join(map(_canonical, node))}]"
    if isinstance(node, ast.AST):
        return f"{type(node).__name__}({','.join(f'{name}={_canonical(value)}' for name, value in _fields(node))})"
    return repr(node)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
