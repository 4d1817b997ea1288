"""The differences between the params of two jobs, in words."""

import json
from ast import literal_eval
from collections import defaultdict
from collections.abc import Iterable, Mapping

from fashion.files import canonical_json


def changes(before: Iterable[str], now: Iterable[str]) -> list[str]:
    """Returns the differences between two sets of a job's params, in words.

    Args:
        before, now: the params as Snakemake keeps them, each a `repr`. Only mappings in canonical JSON are compared:
            specs, and digests of modules, whose names all begin with `fashion`.
    """
    old, new = _values(before), _values(now)
    words, code = [], defaultdict(list)
    for path in sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path)):
        if path.split(".")[0] == "fashion":
            code["no longer used" if path not in new else "changed" if path in old else "added"].append(path)
        elif path not in new:
            words.append(f"{path} {old[path]} removed")
        elif path not in old:
            words.append(f"{path} {new[path]} added")
        else:
            words.append(f"{path} {old[path]} -> {new[path]}")
    return words + [
        f"code of {', '.join(code[what])} {what}" for what in ("changed", "added", "no longer used") if code[what]
    ]


def _values(params: Iterable[str]) -> dict[str, str]:
    """Returns each value in the mappings among `params` as JSON, by its path."""
    values: dict[str, str] = {}
    for param in map(literal_eval, params):
        if isinstance(param, str) and param.startswith("{"):
            values |= _leaves(json.loads(param))
    return values


def _leaves(mapping: Mapping, prefix: str = "") -> dict[str, str]:
    """Returns `{"training.epochs": "2"}` for `{"training": {"epochs": 2}}`."""
    leaves: dict[str, str] = {}
    for key, value in mapping.items():
        if isinstance(value, dict):
            leaves |= _leaves(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = canonical_json(value)
    return leaves
