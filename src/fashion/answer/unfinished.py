"""Partial results: the part of a study that has finished, and the runs that have not."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from fashion.records.progress import DIVERGED, FINISHED, Progress, progress
from fashion.study.definition import Study
from fashion.study.spec import Key

# The states of runs that left a result.
ENDED = (FINISHED, DIVERGED)


def finished_part(study: Study, results: Path, dataset: Mapping[str, str] | None = None) -> tuple[Study, dict]:
    """Returns the finished part of a study, and a mapping of the planned number of runs and the unfinished runs.

    Args:
        results: the study's folder of results.
        dataset: the SHA-256 of the dataset's files, as in `fashion.records.state.wanted`.
    """
    found = progress(study, results, dataset)
    part = study.only([run for run, state in found.items() if state.word in ENDED])
    return part, {"planned": len(found), "runs": unfinished(study, found)}


def unfinished(study: Study, states: Mapping[Key, Progress]) -> list[dict]:
    """Returns the runs without a result, in the study's order; runs that differ only in their seed share a row.

    A row has `model`, `augmentation` and `seeds`; the state's `word` and `reason`; `epoch`, the last that has ended, 0
    before the first; and `epochs`, the greatest number of epochs.
    """
    groups: dict[tuple, list[int]] = defaultdict(list)
    for (model, augmentation, seed), state in states.items():
        if state.word not in ENDED:
            epoch = 0 if state.history is None else len(state.history)
            epochs = study.specs[model, augmentation, seed]["training"]["epochs"]
            groups[model, augmentation, state.word, state.reason, epoch, epochs].append(seed)
    names = ("model", "augmentation", "word", "reason", "epoch", "epochs")
    return [dict(zip(names, group, strict=True), seeds=seeds) for group, seeds in groups.items()]
