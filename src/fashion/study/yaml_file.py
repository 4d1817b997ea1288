"""Reading YAML files. What would make a program crash or never end is refused before it is loaded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from fashion.errors import UserError

# PyYAML's loader in C, if it was built with one, is five times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MOST_LEVELS = 50
MOST_VALUES = 100_000  # with each alias replaced by what it stands for


def read_yaml(path: Path, load: Callable = yaml.load) -> Any:
    """Returns the content of a YAML file.

    Args:
        load: yaml.load or yaml.compose.

    Raises:
        UserError: it is no YAML or not in UTF-8, or it is nested too deeply or without end.
        OSError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        _count(path, text)
        return load(text, Loader=LOADER)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not text in UTF-8; save it anew in that encoding") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise UserError(f"{path}: {where}not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())}") from error


def _count(path: Path, text: str) -> None:
    """Raises a `UserError` if a YAML text has too many levels or values."""
    values = 0
    counts: dict[str | None, int] = {}  # of the values under each anchor
    above: list[tuple[str | None, int]] = []  # the anchors of the open lists and mappings, and the values before each
    for event in yaml.parse(text, Loader=LOADER):
        where = f"{path}: line {event.start_mark.line + 1}"
        match event:
            case yaml.AliasEvent(anchor=anchor) if anchor in [open_anchor for open_anchor, _ in above]:
                raise UserError(f"{where}: *{anchor} stands within &{anchor} itself")
            case yaml.AliasEvent(anchor=anchor):
                values += counts.get(anchor, 0)  # the loader refuses an unknown one
            case yaml.ScalarEvent(anchor=anchor):
                values += 1
                counts[anchor] = 1
            case yaml.CollectionStartEvent(anchor=anchor):
                above.append((anchor, values))
                values += 1
            case yaml.CollectionEndEvent():
                anchor, before = above.pop()
                counts[anchor] = values - before
        if len(above) > MOST_LEVELS or values > MOST_VALUES:
            raise UserError(f"{where}: more than {MOST_LEVELS} levels, or {MOST_VALUES:,} values with all aliases")
