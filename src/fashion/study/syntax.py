"""What of a syntax tree may change what code does: not comments, docstrings, layout or annotations, nor log lines."""

import ast
from collections.abc import Iterator


def walk(node: object) -> Iterator[ast.AST]:
    """All nodes of a syntax tree that count."""
    if isinstance(node, list):
        for entry in node:
            yield from walk(entry)
    elif isinstance(node, ast.AST):
        yield node
        for _, value in _fields(node):
            yield from walk(value)


def canonical(node: object) -> str:
    """What counts of a syntax tree, as text."""
    if isinstance(node, list):
        return f"[{','.join(map(canonical, node))}]"
    if isinstance(node, ast.AST):
        return f"{type(node).__name__}({','.join(f'{name}={canonical(value)}' for name, value in _fields(node))})"
    return repr(node)


def is_idle(node: object) -> bool:
    """Whether a statement computes nothing: a docstring or another mere constant, a log line."""
    match node:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="logger")))):
            return True
    return False


def _fields(node: ast.AST) -> list[tuple[str, object]]:
    """The fields of a syntax tree's node that count, the same in every version of Python, unlike `ast.iter_fields`."""
    # Newer versions have more fields, which are empty unless new syntax is used; u"" is "".
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, []) and name != "kind"}
    match node:
        case ast.arg():
            fields.pop("annotation", None)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            fields.pop("returns", None)
        case ast.Raise(exc=ast.Call(func=raised)):
            fields["exc"] = raised
        case ast.JoinedStr():
            # 3.12 has empty texts between the values of an f-string.
            fields["values"] = [one for one in node.values if not (isinstance(one, ast.Constant) and one.value == "")]
    return [
        (name, [entry for entry in value if not is_idle(entry)] if isinstance(value, list) else value)
        for name, value in fields.items()
    ]
