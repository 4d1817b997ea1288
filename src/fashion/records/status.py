"""What a dry run plans, in words: which runs are fresh, which are stale and why, and how long their training takes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from fashion.errors import UserError
from fashion.files import canonical_json
from fashion.records.run import Run
from fashion.study.spec import split_sizes


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A run of a plan: the `folder` of what it left, the `spec` that it has now, and what is to be done of it.

    `training` and `evaluation` say why, in words; None for what is up to date.
    """

    folder: Path
    spec: dict
    training: str | None
    evaluation: str | None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a finished run took: `seconds` for its `epochs`, under its `spec`, on a `device`, until `finished` (ISO)."""

    spec: dict
    device: str
    finished: str
    seconds: float
    epochs: int


def measure(folder: Path) -> Measurement | None:
    """What the run in `folder` took; None if it has not finished, or its files are damaged."""
    run = Run(folder)
    try:
        return Measurement(
            spec=run.spec,
            device=run.provenance["device"],
            finished=run.provenance["finished"],
            seconds=run.history["seconds"].sum(),
            epochs=len(run.history),
        )
    except (UserError, KeyError):
        return None


def estimate(spec: dict, measurements: Sequence[Measurement]) -> float | None:
    """Seconds that training `spec` takes, by what runs alike took; None if there are none.

    An epoch's time grows with its images. It ends as early as runs with the same training settings did; without
    such runs all epochs are counted. Runs with the same augmentation are preferred.

    Args:
        measurements: of runs with the same model settings and batch size, on one device.
    """
    if not measurements:
        return None
    training = spec["training"]
    closest = [each for each in measurements if each.spec["augmentation"] == spec["augmentation"]] or measurements
    per_image = mean(each.seconds / each.epochs / split_sizes(each.spec["training"])[0] for each in closest)
    epochs = [each.epochs for each in closest if each.spec["training"] == training] or [training["epochs"]]
    return per_image * split_sizes(training)[0] * mean(epochs)


def describe(runs: Sequence[PlannedRun], others: Mapping[str, int]) -> str:
    """The state of `runs`, a line for those that differ in their seed alone, and what bringing them up to date takes.

    Training time is estimated from the measurements on one device, the last that a run finished on.

    Args:
        others: how many jobs of each other rule are to be done.
    """
    groups: dict[tuple[str, str, str], list[PlannedRun]] = defaultdict(list)
    for run in sorted(runs, key=_name):
        model, augmentation, _ = _name(run)
        groups[model, augmentation, _state(run)].append(run)
    stale = sum(run.training is not None for run in runs)
    # With nothing to estimate no file is read.
    device, measured = _measurements(runs if stale else [])
    lines, total, unknown = [], 0.0, 0
    for (model, augmentation, state), members in groups.items():
        line = f"{model} {augmentation} {_seeds([run.spec['seed'] for run in members])}: {state}"
        if members[0].training:
            seconds = estimate(members[0].spec, measured[_likeness(members[0].spec)])
            if seconds is None:
                unknown += len(members)
                line += "; time unknown"
            else:
                total += seconds * len(members)
                line += f"; about {_duration(seconds * len(members))}"
        lines.append(line)
    times = [f"about {_duration(total)} on {device}, one after another"] * (stale > unknown)
    times += [f"{unknown} of unknown time"] * (unknown > 0)
    lines.append(
        f"{len(runs)} run{'s' * (len(runs) > 1)}, {stale or 'none'} to train"
        + (f": {', '.join(times)}" if times else "")
    )
    if others:
        lines.append(f"then: {', '.join(f'{count} {rule}' for rule, count in sorted(others.items()))}")
    return "\n".join(lines)


def _measurements(runs: Iterable[PlannedRun]) -> tuple[str | None, dict[str, list[Measurement]]]:
    """The device that the last run finished on, and what those on it took, by their likeness."""
    finished = list(filter(None, (measure(run.folder) for run in runs)))
    device = max(finished, key=lambda each: each.finished).device if finished else None
    alike = defaultdict(list)
    for each in finished:
        if each.device == device:
            alike[_likeness(each.spec)].append(each)
    return device, alike


def _likeness(spec: dict) -> str:
    """Equal for specs whose time for an image is about the same on one device."""
    return canonical_json([spec["model"]["family"], spec["model"]["settings"], spec["training"]["batch_size"]])


def _name(run: PlannedRun) -> tuple[str, str, int]:
    return run.spec["model"]["name"], run.spec["augmentation"]["name"], run.spec["seed"]


def _state(run: PlannedRun) -> str:
    if run.training:
        return run.training
    return f"trained, to evaluate: {run.evaluation}" if run.evaluation else "fresh"


def _seeds(seeds: list[int]) -> str:
    """Ascending `seeds` for a reader."""
    if len(seeds) > 3 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def _duration(seconds: float) -> str:
    """`seconds` for a reader: two digits matter."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 100 * 3600 else f"{seconds / 3600:.0f} h"
