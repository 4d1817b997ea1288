"""A study that may be under way: its runs' states again and again."""

import time
from collections.abc import Iterator
from pathlib import Path

from fashion.records.progress import DIVERGED, FINISHED, State, states
from fashion.study.spec import Key
from fashion.study.study import Study

SECONDS = 3


def follow(study: Study, results: Path) -> Iterator[dict[Key, State]]:
    """The states of a study's runs every few seconds, until all have ended."""
    while True:
        found = states(study, results)
        yield found
        if all(state.word in (FINISHED, DIVERGED) for state in found.values()):
            return
        time.sleep(SECONDS)
