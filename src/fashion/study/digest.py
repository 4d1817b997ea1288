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

from fashion.files import canonical_json, parse_python
from fashion.study.syntax import canonical, is_idle, walk

PACKAGE = Path(__file__).parents[1]
DIGITS = 12

# Where the code begins that computes a stage's numbers; what calls it, its command line, log and provenance, does not.
DATASET = ("fashion.data.idx:parse",)
TRAINING = (
    "fashion.training.loop:Training",
    "fashion.training.inference:use_device",
    "fashion.data.dataset:load",
    "fashion.training.train:write_outputs",
)
EVALUATION = ("fashion.training.evaluate:evaluate", "fashion.training.inference:use_device")
# What the family named {} adds to stages that build a model, and to those that draw one.
NETWORK = "fashion.models.{}.network:Model"
DIAGRAM = "fashion.models.{}.diagram:describe"

# In place of a definition's name: all of a module; and what it does when it is imported.
ALL, EFFECTS = "*", ""

# Module and definition.
Place = tuple[str, str]


@dataclass(frozen=True)
class Module:
    """A module's parts.

    `parent` is the package that its relative imports start from; `definitions` has the statements that bind each
    top-level name, `EFFECTS` those that bind none; `imports` the place in the package that an imported name stands for.
    """

    path: Path
    parent: str
    definitions: dict[str, list[ast.stmt]] = field(default_factory=lambda: defaultdict(list))
    imports: dict[str, Place] = field(default_factory=dict)


def code_digests(*starts: str, package: Path = PACKAGE) -> dict[str, str]:
    """The digest of what `starts` run of each module of their package, at any depth, sorted by name.

    A start is a module, `fashion.models.layers`, or a definition, `fashion.training.loop:Training`. Each name that
    a definition uses is followed to its own definition, in the same module or where it is imported from; what a module
    does when it is imported counts with any of its definitions. A module that is imported by a computed name is not
    seen: name it in `starts`. A data file that lies beside a module, and whose name a definition has as a string,
    counts too: a .yaml file by what it says, any other by its bytes.

    Comments, docstrings, layout, annotations of arguments, calls of `logger` and what a raised error says do not count.

    Raises:
        UserError: a module is no Python; names the file and the line.

    Returns:
        A name such as `fashion.models.layers` or `fashion.figures.parts/fashion.mplstyle` -> its digest.
    """
    reached: dict[str, set[str]] = defaultdict(set)
    missing: list[Place] = [
        (name, definition or ALL) for name, _, definition in (start.partition(":") for start in starts)
    ]
    while missing:
        name, definition = missing.pop()
        module = _module(package, name)
        if definition not in (ALL, EFFECTS, *module.definitions, *module.imports):
            raise ModuleNotFoundError(f"no {definition} of {name} in {package}")
        if definition == ALL:
            missing += [(name, each) for each in (EFFECTS, *module.definitions)]
        elif definition in module.imports and definition not in module.definitions:
            missing += [module.imports[definition], (name, EFFECTS)]
        elif definition not in reached[name]:
            reached[name].add(definition)
            missing += _reached_from(package, name, definition)
    digests: dict[str, str] = {}
    for name, definitions in reached.items():
        digests |= _digests(package, name, frozenset(definitions))
    return dict(sorted(digests.items()))


@cache
def _reached_from(package: Path, name: str, definition: str) -> list[Place]:
    """The places that a module's definition uses; cached, as many stages share what they run."""
    module = _module(package, name)
    statements = module.definitions.get(definition, [])
    return [(name, EFFECTS), *(place for one in statements for place in _used(one, package, name, module))]


@cache
def _digests(package: Path, name: str, definitions: frozenset[str]) -> dict[str, str]:
    """The digest of these of a module's definitions, and of the data files that they name."""
    module = _module(package, name)
    statements = [one for each in sorted(definitions) for one in module.definitions.get(each, [])]
    return {name: _digest(canonical(statements).encode()), **_data_files(statements, module)} if statements else {}


@cache
def _path(package: Path, name: str) -> Path | None:
    """The file of a module; None if `package` has none of that name."""
    root, *parts = name.split(".")
    path = package.joinpath(*parts)
    files = (path.with_suffix(".py"), path / "__init__.py") if root == package.name else ()
    return next(filter(Path.is_file, files), None)


@cache
def _module(package: Path, name: str) -> Module:
    """A module's parts."""
    path = _path(package, name)
    if path is None:
        raise ModuleNotFoundError(f"no {name} in {package}")
    tree = parse_python(path)
    module = Module(path, name if path.name == "__init__.py" else name.rpartition(".")[0])
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            module.imports.update(_imported(statement, package, module.parent))
        elif not is_idle(statement) and not _is_guard(statement):
            for bound in _bound(statement) or [EFFECTS]:
                module.definitions[bound].append(statement)
    return module


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
                (f"{base}.{alias.name}", ALL) if _path(package, f"{base}.{alias.name}") else (base, alias.name),
            )
            for alias in statement.names
        ]
    yield from (place for place in places if _path(package, place[1][0]))


def _used(statement: ast.stmt, package: Path, name: str, module: Module) -> Iterator[Place]:
    """The places that the names in a statement stand for."""
    nodes = list(walk(statement))
    imports = dict(module.imports)
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.update(_imported(node, package, module.parent))
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


def _data_files(statements: list[ast.stmt], module: Module) -> dict[str, str]:
    """The digests of the data files beside a module that its statements name."""
    if not (files := _beside(module.path.parent)):
        return {}
    constants = {node.value for one in statements for node in walk(one) if isinstance(node, ast.Constant)}
    return {f"{module.parent}/{file.name}": _content_digest(file) for file in files if file.name in constants}


@cache
def _beside(folder: Path) -> list[Path]:
    """The data files of a folder."""
    return [file for file in folder.iterdir() if file.suffix != ".py" and file.is_file()]


@cache
def _content_digest(file: Path) -> str:
    """The digest of what of a data file counts."""
    if file.suffix != ".yaml":
        return _digest(file.read_bytes())
    import yaml

    return _digest(canonical_json(yaml.safe_load(file.read_bytes())).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
