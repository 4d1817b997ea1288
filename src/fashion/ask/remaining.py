"""The time left of a running study, estimated from its epochs and finished runs."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from fashion.records.estimate import Estimates, Measured, likely_epochs
from fashion.records.progress import DIVERGED, RUNNING, STOPPED, WAITING, Progress
from fashion.study.definition import Study
from fashion.study.spec import Key
from fashion.study.stopping import best_epoch

# Only the last epochs tell an epoch's time, because the machine's load changes.
LAST_EPOCHS = 5


@dataclass(frozen=True, kw_only=True)
class End:
    """When a running training will end, in seconds from now: at `latest` after all its epochs, and `likely`."""

    latest: float
    likely: float


@dataclass(frozen=True, kw_only=True)
class Remaining:
    """The time left of a study.

    Args:
        ends: the end of each running training that has ended an epoch.
        seconds: the sum of the times left of all runs that have not ended, without the `unknown` ones.
        likely: when the last run likely ends, in seconds from now, with as many runs side by side as now; None if no
            run is running or no time is known.
        unknown: the number of runs whose time cannot be estimated.
    """

    ends: dict[Key, End]
    seconds: float
    likely: float | None
    unknown: int


def pace(history: pd.DataFrame) -> float:
    """Returns the median seconds of the last epochs."""
    return float(history["seconds"].tail(LAST_EPOCHS).median())


def remaining(study: Study, found: Mapping[Key, Progress], now: float) -> Remaining:
    """Returns the time left of a study whose runs are in the states `found` at `now`, in seconds since 1970."""
    finished = {key: state.run for key, state in found.items() if state.run and state.word != DIVERGED}
    # If a study began on another device, the times there say nothing about this one.
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
