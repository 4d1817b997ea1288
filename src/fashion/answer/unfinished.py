"""What partial results are made of, and what they lack: the runs that have not finished."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from fashion.records.progress import DIVERGED, FINISHED, State, states
from fashion.study.spec import Key
from fashion.study.study import Study

# Of runs that left a result.
ENDED = (FINISHED, DIVERGED)


def finished_part(study: Study, results: Path) -> tuple[Study, dict]:
    """The part of a study that has finished; and how many runs are planned, and which of them left no result yet.

    Args:
        results: the study's folder of results.
    """
    found = states(study, results)
    part = study.only([run for run, state in found.items() if state.word in ENDED])
    return part, {"planned": len(found), "runs": unfinished(study, found)}


def unfinished(study: Study, states: Mapping[Key, State]) -> list[dict]:
    """Runs that left no result yet, in the study's order; those that differ in their seed alone are one row.

    Returns:
        Rows with `model`, `augmentation` and `seeds`; `word` and `reason` of their state; `epoch`, the last that has
        ended, 0 before the first; and `epochs`, how many there are at most.
    """
    groups: dict[tuple, list[int]] = defaultdict(list)
    for (model, augmentation, seed), state in states.items():
        if state.word not in ENDED:
            epoch = 0 if state.history is None else len(state.history)
            epochs = study.specs[model, augmentation, seed]["training"]["epochs"]
            groups[model, augmentation, state.word, state.reason, epoch, epochs].append(seed)
    names = ("model", "augmentation", "word", "reason", "epoch", "epochs")
    return [dict(zip(names, group, strict=True), seeds=seeds) for group, seeds in groups.items()]
