"""The families of models: the folders beside this file. Nothing here imports torch: planning a study stays instant.

A family is a folder with three modules:

settings: what planning needs, without torch. `SETTINGS` has the JSON schema of each setting; one without a default must
    be given. `conflicts(settings, given)` says what does not fit together of complete settings, of which those `given`
    are config.yaml's. `sizes(settings)` is about the weights and the multiply-adds of each layer.
network: `Model`, a torch module whose keyword arguments are the settings, with their defaults.
diagram: `describe(model, shapes)`, what a diagram draws of a `Model`; see `fashion.models.diagram`.
"""

import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

from fashion.errors import UserError

FAMILIES = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.ispkg]

# Schemas that settings share.
COUNT = {"type": "integer", "minimum": 1}
DROPOUT = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}


def part(family: str, name: str) -> ModuleType:
    """The module `settings`, `network` or `diagram` of a family; those of other families are not imported.

    Raises:
        UserError: there is no such family; lists those that there are.
    """
    if family not in FAMILIES:
        raise UserError(f"family: {family!r} is no family of models; known: {', '.join(FAMILIES)}")
    return import_module(f"fashion.models.{family}.{name}")


def schema(family: str) -> dict:
    """The JSON schema of a family's settings."""
    settings = part(family, "settings").SETTINGS
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name, rule in settings.items() if "default" not in rule],
        "properties": settings,
    }


def complete(family: str, settings: dict) -> dict:
    """Settings, and the defaults of those that are not given."""
    rules = part(family, "settings").SETTINGS
    return {name: rule["default"] for name, rule in rules.items() if "default" in rule} | settings
