"""Digests of the code that a stage runs: they change when what it does may change, and not with a comment.

Modules are parsed, never imported, so that planning a study stays instant.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from fashion.errors import UserError
from fashion.files import canonical_json

PACKAGE = Path(__file__).parent
DIGITS = 12


def code_digests(*modules: str, package: Path = PACKAGE) -> dict[str, str]:
    """The digest of each of `modules` and of all that they import of their package, at any depth, sorted by name.

    An import inside a function counts, and so do the packages around a module, which Python runs before it. A module
    that is imported by a computed name does not: name it in `modules`. A data file that lies beside a module, and whose
    name the module has as a string, counts too: a .yaml file by what it says, any other by its bytes.

    Raises:
        UserError: a module is no Python; names the file and the line.

    Returns:
        A name such as `fashion.models.vgg` or `fashion.figures/fashion.mplstyle` -> its digest.
    """
    digests: dict[str, str] = {}
    missing = list(modules)
    while missing:
        module = missing.pop()
        if module not in digests:
            digests[module], files, imports = _read(package, module)
            digests |= files
            missing += imports
    return dict(sorted(digests.items()))


@cache
def _read(package: Path, module: str) -> tuple[str, dict[str, str], list[str]]:
    """A module's own digest, the digests of the data files that it names, and the modules of `package` it needs."""
    path = _path(package, module)
    if path is None:
        raise ModuleNotFoundError(f"no module {module} in {package}")
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}") from error
    parent = module if path.name == "__init__.py" else module.rpartition(".")[0]
    constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    files = {
        f"{parent}/{file.name}": _digest(_content(file))
        for file in path.parent.iterdir()
        if file.name in constants and file.suffix != ".py" and file.is_file()
    }
    imported = {name for node in ast.walk(tree) for name in _imported(node, parent)}
    needed = imported | {name.rpartition(".")[0] for name in (module, *imported)}
    return _digest(_canonical(tree).encode()), files, [name for name in needed if _path(package, name)]


def _content(file: Path) -> bytes:
    """What of a data file counts."""
    if file.suffix != ".yaml":
        return file.read_bytes()
    import yaml

    return canonical_json(yaml.safe_load(file.read_bytes())).encode()


def _path(package: Path, module: str) -> Path | None:
    """The file of a module; None if `package` has none of that name."""
    root, *parts = module.split(".")
    if root != package.name:
        return None
    path = package.joinpath(*parts)
    return next(filter(Path.is_file, (path.with_suffix(".py"), path / "__init__.py")), None)


def _imported(node: ast.AST, parent: str) -> Iterator[str]:
    """What an import statement names: modules, and names that may be modules too. `parent` is the package it is in."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        around = parent.split(".")[: 1 - node.level or None] if node.level else []
        base = ".".join([*around, *filter(None, [node.module])])
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _canonical(node: object) -> str:
    """A syntax tree as text, without docstrings; the same in every version of Python, unlike what `ast.dump` gives."""
    if isinstance(node, list):
        return f"[{','.join(_canonical(entry) for entry in node if not _is_idle(entry))}]"
    if isinstance(node, ast.JoinedStr):
        # 3.12 has empty texts between the values of an f-string.
        values = [value for value in node.values if not (isinstance(value, ast.Constant) and value.value == "")]
        return f"JoinedStr({_canonical(values)})"
    if isinstance(node, ast.AST):
        # Newer versions have more fields, which are empty unless new syntax is used; u"" is "".
        fields = [field for field in ast.iter_fields(node) if field[1] not in (None, []) and field[0] != "kind"]
        return f"{type(node).__name__}({','.join(f'{name}={_canonical(value)}' for name, value in fields)})"
    return repr(node)


def _is_idle(node: object) -> bool:
    """Whether a statement does nothing: a docstring or another mere constant."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
