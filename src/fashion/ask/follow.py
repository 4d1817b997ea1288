"""The states of a running study, read every few seconds."""

import time
from collections.abc import Iterator
from pathlib import Path

from fashion.records.progress import DIVERGED, FINISHED, Progress, progress
from fashion.study.definition import Study
from fashion.study.spec import Key

SECONDS = 3


def follow(study: Study, results: Path) -> Iterator[dict[Key, Progress]]:
    """Yields the states of a study's runs every few seconds, until all runs have ended."""
    while True:
        found = progress(study, results)
        yield found
        if all(state.word in (FINISHED, DIVERGED) for state in found.values()):
            return
        time.sleep(SECONDS)
