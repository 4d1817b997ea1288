"""The state of a running study in words, for a terminal or a page."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean

import pandas as pd

from fashion.ask.remaining import End, Remaining, pace, remaining
from fashion.records.metrics import percent
from fashion.records.progress import DIVERGED, FAILED, FINISHED, RUNNING, STATES, STOPPED, WAITING, Progress
from fashion.records.words import duration, seed_words
from fashion.study.definition import Study, titled
from fashion.study.spec import Key, split_sizes
from fashion.study.stopping import best_epoch

# The state of a run that waits only for its evaluation.
TRAINED = "trained"


@dataclass(frozen=True, kw_only=True)
class Running:
    """A run in progress: its name and numbers as texts, "" where unknown, and its history.

    Args:
        epoch: the current epoch and the greatest number of epochs.
        best: the validation accuracy of `best_epoch`, the epoch with the lowest validation loss.
        speed: training images a second in the last epochs.
        likely: when the run will likely end; it ends at `latest` if it uses all of its epochs.
    """

    name: str
    epoch: str
    best: str = ""
    best_epoch: str = ""
    speed: str = ""
    likely: str = ""
    latest: str = ""
    history: pd.DataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Runs of a model and augmentation that failed, diverged or stopped: their name, state, and the reason."""

    name: str
    word: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The state of a study at one time.

    Args:
        counts: the number of runs in each state, without zeros.
        left: a sentence on the time left.
        cells: for each model and augmentation, a text and whether all seeds have ended. The text has the number of
            finished seeds, their mean test accuracy, and the number of trained seeds that wait for their evaluation.
    """

    study: str
    note: str
    at: str
    counts: dict[str, int]
    left: str
    running: list[Running]
    troubles: list[Trouble]
    augmentations: list[str]
    cells: dict[str, dict[str, tuple[str, bool]]]


def overview(study: Study, found: Mapping[Key, Progress], now: float) -> Overview:
    """Returns the overview of a study whose runs are in the states `found` at `now`, in seconds since 1970."""
    left = remaining(study, found, now)
    counts = Counter(TRAINED if state.word == WAITING and state.run else state.word for state in found.values())
    return Overview(
        study=study.name,
        note=study.note,
        at=time.strftime("%H:%M:%S", time.localtime(now)),
        counts={word: counts[word] for word in (*STATES, TRAINED) if counts[word]},
        left=_left(left, counts[RUNNING], now),
        running=[
            _running(state, _name(study, *key[:2], [key[2]]), study.specs[key], left.ends.get(key), now)
            for key, state in found.items()
            if state.word == RUNNING
        ],
        troubles=_troubles(study, found),
        augmentations=list(dict.fromkeys(titled(study.titles, *group)[1] for group in study.groups)),
        cells=_cells(study, found),
    )


def divergence(where: dict) -> str:
    """Returns where a run diverged, in words."""
    return f"in epoch {where['epoch']}, step {where['step']}, at learning rate {where['learning_rate']}"


def _left(left: Remaining, running: int, now: float) -> str:
    unknown = f"{left.unknown} run{'s' * (left.unknown > 1)} of unknown time" if left.unknown else ""
    if left.likely is None:
        known = f"about {duration(left.seconds)} one after another" if left.seconds else ""
    elif unknown:
        known = f"{duration(left.likely)}, {running} side by side"
    else:
        return f"likely end {_clock(left.likely, now)}, in {duration(left.likely)}, {running} side by side"
    return f"left: {' and '.join(filter(None, [known, unknown]))}" if known or unknown else ""


def _name(study: Study, model: str, augmentation: str, seeds: list[int]) -> str:
    return f"{', '.join(titled(study.titles, model, augmentation))}, {seed_words(seeds)}"


def _running(state: Progress, name: str, spec: dict, end: End | None, now: float) -> Running:
    history, most = state.history, spec["training"]["epochs"]
    if state.run:
        return Running(name=name, epoch="evaluating", history=history)
    if history is None or end is None:
        return Running(name=name, epoch="begun")
    best, (images, _) = history.iloc[best_epoch(history["validation_loss"])], split_sizes(spec["training"])
    return Running(
        name=name,
        epoch=f"{min(len(history) + 1, most)} of {most}",
        best=percent(best["validation_accuracy"]),
        best_epoch=f"{best['epoch']:.0f}",
        speed=f"{images / pace(history):,.0f}",
        likely=_clock(end.likely, now),
        latest=_clock(end.latest, now),
        history=history,
    )


def _troubles(study: Study, found: Mapping[Key, Progress]) -> list[Trouble]:
    """Returns runs that failed, diverged or stopped; seeds with the same reason stand together."""
    seeds = defaultdict(list)
    for (model, augmentation, seed), state in found.items():
        if state.word in (FAILED, DIVERGED, STOPPED):
            reason = _reason(state, f"{model} {augmentation} seed {seed}")
            seeds[STATES.index(state.word), model, augmentation, reason].append(seed)
    return [
        Trouble(name=_name(study, model, augmentation, own), word=STATES[word], reason=reason)
        for (word, model, augmentation, reason), own in sorted(seeds.items(), key=lambda item: -item[0][0])
    ]


def _reason(state: Progress, name: str) -> str:
    """Returns why a run is in its state, without the run's name, since others may share the reason."""
    if state.run and state.run.diverged:
        return divergence(state.run.diverged)
    if state.word == STOPPED:
        epochs = 0 if state.history is None else len(state.history)
        return f"after {epochs} epoch{'s' * (epochs != 1)}"
    return state.reason.removeprefix("error: ").removeprefix("crashed: ").removeprefix(name).lstrip(",: ")


def _cells(study: Study, found: Mapping[Key, Progress]) -> dict[str, dict[str, tuple[str, bool]]]:
    cells: dict[str, dict[str, tuple[str, bool]]] = defaultdict(dict)
    for (model, augmentation), seeds in study.groups.items():
        ended = [found[model, augmentation, seed] for seed in seeds]
        accuracies = [state.run.metrics["test_accuracy"] for state in ended if state.word == FINISHED and state.run]
        accuracy = f" {percent(mean(accuracies))}" if accuracies else ""
        trained = sum(state.word == WAITING and state.run is not None for state in ended)
        whole = all(state.word in (FINISHED, DIVERGED) for state in ended)
        text = f"{len(accuracies)}/{len(seeds)}{accuracy}" + (f", {trained} {TRAINED}" if trained else "")
        model, augmentation = titled(study.titles, model, augmentation)
        cells[model][augmentation] = (text, whole)
    return dict(cells)


def _clock(seconds: float, now: float) -> str:
    """Returns the time of day in so many seconds, with the day unless it is today."""
    then = time.localtime(now + seconds)
    today = then[:3] == time.localtime(now)[:3]
    return time.strftime("%H:%M" if today else "%a %H:%M" if seconds < 6 * 86400 else "%d %b %H:%M", then)
