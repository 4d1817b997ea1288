"""The families of models: the folders beside this file. Nothing here imports torch, so that planning stays instant.

A family is a folder with three modules:

network: `Model`, a torch module. Its keyword-only arguments are the settings; those without a default are required.
settings: what planning needs, without torch. `SETTINGS` has the JSON schema of each setting.
    `conflicts(settings, given)` yields what does not fit together in complete settings; config.yaml has those `given`.
    `sizes(settings)` estimates the weights and the multiply-adds of each layer.
diagram: `describe(model, shapes)`, the content of a `Model`'s diagram; see `fashion.models.diagram`.
"""

import ast
import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from fashion.errors import UserError
from fashion.files import parse_python

FAMILIES = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.ispkg]

# Schemas that several settings share.
COUNT = {"type": "integer", "minimum": 1}
DROPOUT = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}


def part(family: str, name: str) -> ModuleType:
    """Returns the module `settings`, `network` or `diagram` of a family; imports no other family.

    Raises:
        UserError: the family does not exist; lists the known ones.
    """
    if family not in FAMILIES:
        raise UserError(f"family: {family!r} is no family of models; known: {', '.join(FAMILIES)}")
    return import_module(f"fashion.models.{family}.{name}")


def schema(family: str) -> dict:
    """Returns the JSON schema of a family's settings."""
    settings = part(family, "settings").SETTINGS
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name in settings if name not in defaults(family)],
        "properties": settings,
    }


@cache
def defaults(family: str) -> dict:
    """Returns the defaults of a family's settings, read from the source of its network, whose import would need torch.

    Raises:
        UserError: the source is no valid Python, or nothing in it has the settings as its keyword-only arguments.
    """
    settings = part(family, "settings").SETTINGS
    path = Path(__file__).parent / family / "network.py"
    for node in ast.walk(parse_python(path)):
        if isinstance(node, ast.arguments) and {one.arg for one in node.kwonlyargs} == set(settings):
            values = zip(node.kwonlyargs, node.kw_defaults, strict=True)
            return {one.arg: ast.literal_eval(value) for one, value in values if value}
    raise UserError(f"{path}: nothing has the keyword-only arguments {', '.join(settings)}, which are the settings")


def complete(family: str, settings: dict) -> dict:
    """Returns `settings`, completed by the family's defaults."""
    return defaults(family) | settings
