"""The runs of a figure, by model and augmentation."""

from collections.abc import Sequence
from pathlib import Path

from fashion.records.run import Run, groups_of

# The titles of a model and an augmentation, and the runs of all seeds.
Group = tuple[str, str, list[Run]]


def read_groups(folder: Path, groups: Sequence[Sequence]) -> list[Group]:
    """Returns the runs of a plan's groups, as `draw` passes them to a figure, below a study's folder of runs."""
    runs = groups_of(folder, [(model, augmentation, seeds) for model, augmentation, seeds, *_ in groups])
    return [(model, augmentation, own) for (*_, model, augmentation), own in zip(groups, runs, strict=True)]


def counted(count: int, noun: str) -> str:
    """Returns the count with its noun: "1 seed", "2 seeds"."""
    return f"{count} {noun}" + ("s" if count != 1 else "")
