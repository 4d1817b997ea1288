"""What differs between two jobs' params, in words."""

import json
import re
from ast import literal_eval
from collections.abc import Iterable, Mapping

from fashion.files import canonical_json

# What the rules' params say of code.
DIGESTS = re.compile(r"[\w./]+ [0-9a-f]{12}(, [\w./]+ [0-9a-f]{12})*")


def changes(before: Iterable[str], now: Iterable[str]) -> list[str]:
    """What differs between two sets of a job's params, in words.

    Args:
        before, now: the params as Snakemake keeps them, each a `repr`. Those are understood that are strings with a
            mapping as canonical JSON, or with digests: `fashion.models.layers 2f97be8babef, fashion.models.vgg ...`.
    """
    old, new = _settings(before), _settings(now)
    words = []
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            words.append(f"{path} {old[path]} removed")
        elif path not in old:
            words.append(f"{path} {new[path]} added")
        elif old[path] != new[path]:
            words.append(f"{path} {old[path]} -> {new[path]}")
    old, new = _digests(before), _digests(now)
    code = {
        "changed": [module for module in old.keys() & new.keys() if old[module] != new[module]],
        "added": new.keys() - old.keys(),
        "no longer used": old.keys() - new.keys(),
    }
    return words + [f"code of {', '.join(sorted(modules))} {what}" for what, modules in code.items() if modules]


def _settings(params: Iterable[str]) -> dict[str, str]:
    """The path of each setting that `params` have -> its value as JSON."""
    settings: dict[str, str] = {}
    for param in map(literal_eval, params):
        if isinstance(param, str) and param.startswith("{"):
            settings |= _leaves(json.loads(param))
    return settings


def _digests(params: Iterable[str]) -> dict[str, str]:
    """Each module that `params` name -> its digest."""
    digests: dict[str, str] = {}
    for param in map(literal_eval, params):
        if isinstance(param, str) and DIGESTS.fullmatch(param):
            digests |= (entry.split(" ") for entry in param.split(", "))
    return digests


def _leaves(mapping: Mapping, prefix: str = "") -> dict[str, str]:
    """`{"training": {"epochs": 2}}` as `{"training.epochs": "2"}`."""
    leaves: dict[str, str] = {}
    for key, value in mapping.items():
        if isinstance(value, dict):
            leaves |= _leaves(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = canonical_json(value)
    return leaves
