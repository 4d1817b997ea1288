"""What is left of a study under way: when each training ends, and the last, by what they and others took so far."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from fashion.records.estimate import Estimates, Measured, likely_epochs
from fashion.records.progress import DIVERGED, RUNNING, STOPPED, WAITING, State
from fashion.study.spec import Key
from fashion.study.stopping import best_epoch
from fashion.study.study import Study

# An epoch's time is that of the last ones: what else runs on the machine changes.
LAST_EPOCHS = 5


@dataclass(frozen=True, kw_only=True)
class End:
    """When a training that runs will end, in seconds from now: if it uses all its epochs, and more likely."""

    latest: float
    likely: float


@dataclass(frozen=True, kw_only=True)
class Remaining:
    """What is left of a study.

    Args:
        ends: those of the runs that train and have ended an epoch.
        seconds: what the runs take that are yet to end, one after another, without the `unknown` ones.
        likely: when the last of them likely ends, in seconds from now, with as many side by side as now; None if none
            runs, or nothing is known.
        unknown: how many of them have nothing that tells how long they take.
    """

    ends: dict[Key, End]
    seconds: float
    likely: float | None
    unknown: int


def pace(history: pd.DataFrame) -> float:
    """Seconds an epoch, lately."""
    return float(history["seconds"].tail(LAST_EPOCHS).median())


def remaining(study: Study, found: Mapping[Key, State], now: float) -> Remaining:
    """What is left of a study whose runs are in these states at a time, in seconds since 1970."""
    finished = {key: state.run for key, state in found.items() if state.run and state.word != DIVERGED}
    # Of a study that was begun elsewhere, times on the other device say nothing.
    estimates, epochs = Estimates(finished.values()), defaultdict(list)
    for key, run in finished.items():
        epochs[key[:2]].append(len(run.history))
    ends, left = {}, {}
    for key, state in found.items():
        if state.word in (RUNNING, STOPPED) and state.history is not None and not state.run:
            spec, took, done = study.specs[key], pace(state.history), len(state.history)
            under_way = min(took, max(0.0, now - state.updated)) if state.word == RUNNING else 0.0
            patient = best_epoch(state.history["validation_loss"]) + 1 + spec["training"]["patience"]
            likely = likely_epochs(spec["training"], epochs[key[:2]], max(done, patient))
            left[key] = max(0.0, (likely - done) * took - under_way)
            if state.word == RUNNING:
                latest = max(0.0, (spec["training"]["epochs"] - done) * took - under_way)
                ends[key] = End(latest=latest, likely=left[key])
            if not estimates.closest(spec):
                estimates.add(Measured(spec, likely * took, likely))
    for key, state in found.items():
        if state.word in (WAITING, STOPPED, RUNNING) and key not in left and not state.run:
            left[key] = estimates.seconds(study.specs[key])
    known = [one for one in left.values() if one is not None]
    total, running = sum(known), sum(state.word == RUNNING for state in found.values())
    return Remaining(
        ends=ends,
        seconds=total,
        likely=max([total / running, *(end.likely for end in ends.values())]) if running and known else None,
        unknown=len(left) - len(known),
    )
