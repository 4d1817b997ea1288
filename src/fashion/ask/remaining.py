"""What is left of a study under way: when each training ends, and the last, by what they and others took so far."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean

import pandas as pd

from fashion.records.progress import DIVERGED, RUNNING, STOPPED, WAITING, State
from fashion.records.run import best_epoch
from fashion.study.spec import Key
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


def likely_epochs(history: pd.DataFrame, training: dict, others: list[int]) -> int:
    """The epochs that a training will likely use: as many as others of its model and augmentation did.

    Not fewer than its patience asks for after the best epoch so far, which also decides where there are no others.

    Args:
        training: the settings of its spec.
        others: the epochs of the others that have finished.
    """
    earliest = int(best_epoch(history)["epoch"]) + training["patience"]
    return min(training["epochs"], max(len(history), earliest, round(mean(others)) if others else 0))


def remaining(study: Study, found: Mapping[Key, State], now: float) -> Remaining:
    """What is left of a study whose runs are in these states at a time, in seconds since 1970."""
    finished = {key: (state.updated, state.run) for key, state in found.items() if state.run and state.word != DIVERGED}
    # Of a study that was begun elsewhere, times on the other device say nothing.
    _, last = max(finished.values(), key=lambda one: one[0], default=(0, None))
    epochs, seconds = defaultdict(list), defaultdict(list)
    for key, (_, run) in finished.items():
        epochs[key[:2]].append(len(run.history))
        if last and run.provenance["device"] == last.provenance["device"]:
            seconds[key[:2]].append(run.history["seconds"].sum())
    ends, left = {}, {}
    for key, state in found.items():
        if state.word in (RUNNING, STOPPED) and state.history is not None and not state.run:
            training, took, done = study.specs[key]["training"], pace(state.history), len(state.history)
            under_way = min(took, max(0.0, now - state.updated)) if state.word == RUNNING else 0.0
            likely = likely_epochs(state.history, training, epochs[key[:2]])
            left[key] = max(0.0, (likely - done) * took - under_way)
            if state.word == RUNNING:
                latest = max(0.0, (training["epochs"] - done) * took - under_way)
                ends[key] = End(latest=latest, likely=left[key])
            if not seconds[key[:2]]:
                seconds[key[:2]] = [likely * took]
    for key, state in found.items():
        if state.word in (WAITING, STOPPED, RUNNING) and key not in left and not state.run:
            model = key[0]
            alike = seconds[key[:2]] or [one for group in list(seconds) if group[0] == model for one in seconds[group]]
            left[key] = mean(alike) if alike else None
    known = [one for one in left.values() if one is not None]
    total, running = sum(known), sum(state.word == RUNNING for state in found.values())
    return Remaining(
        ends=ends,
        seconds=total,
        likely=max([total / running, *(end.likely for end in ends.values())]) if running and known else None,
        unknown=len(left) - len(known),
    )
