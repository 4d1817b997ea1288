"""What partial results lack: the runs that have not finished, as their page says it."""

from collections import defaultdict
from collections.abc import Mapping

from fashion.records.progress import DIVERGED, FINISHED, State
from fashion.records.run import Key
from fashion.study.study import Study

# Of runs that left a result.
ENDED = (FINISHED, DIVERGED)


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
