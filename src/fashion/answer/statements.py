"""Statements on runs' numbers, from claims.yaml and deviations.yaml; the head of claims.yaml explains their keys."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from fashion.records.metrics import MEASURES, span
from fashion.study.definition import in_words, with_augmentation

# As `Study.titles`.
Titles = dict[str, dict[str, str]]
UNTITLED: Titles = {"model": {}, "augmentation": {}}


@dataclass(frozen=True, kw_only=True)
class Statement:
    """States that a number of runs lies in (low, high].

    The number is of `side`, a (model, augmentation), or of `side` minus or over (`comparison`) `other`. Without a
    `side` it is the dataset's. If `epochs` is given, so many epochs of training suffice. `titles` is as
    `Study.titles`. `part` names the part of a claim that the statement belongs to.
    """

    metric: str
    part: str = ""
    side: tuple[str, str] | None = None
    other: tuple[str, str] | None = None
    comparison: str | None = None
    low: float = -math.inf
    high: float = math.inf
    epochs: int | None = None
    titles: Titles = field(default_factory=lambda: UNTITLED, repr=False)

    @property
    def sides(self) -> list[tuple[str, str]]:
        """The models, each with its augmentation, whose runs the number is of."""
        return [side for side in (self.side, self.other) if side]

    @property
    def words(self) -> str:
        """The measured number in words."""
        if self.side is None:
            return "largest minus smallest number of images of a class"
        metric = MEASURES[self.metric]
        name = metric.words + (f" in the first {self.epochs} epochs" if metric.of_history and self.epochs else "")
        of_two = self.other is not None and self.other[0] != self.side[0]
        return f"{name}, {self.subject}" if of_two else f"{name} of {self.subject}"

    @property
    def subject(self) -> str:
        """The runs that a statement with a `side` is about, in words."""
        assert self.side is not None
        if self.other is None:
            return self.title(self.side)
        if self.other[0] == self.side[0]:
            one, other = (with_augmentation(self.titles, side[1]) for side in self.sides)
            return f"{self.title(self.side)}, {one} {self.comparison} {other}"
        return f"{self.title(self.side)} {self.comparison} {self.title(self.other)}"

    def title(self, side: tuple[str, str]) -> str:
        """Returns the name of a side's model in words."""
        return self.titles["model"].get(side[0], side[0])

    def titled(self, side: tuple[str, str]) -> str:
        """Returns a side's model and augmentation in words."""
        return in_words(self.titles, *side)

    @property
    def region(self) -> str:
        """The region that the number has to lie in, in words."""
        if math.isinf(self.low) and math.isinf(self.high):
            return ""
        if math.isinf(self.high):
            return f"more than {self.show(self.low)}"
        if math.isinf(self.low):
            return f"at most {self.show(self.high)}"
        return span(self.show(self.low), self.show(self.high))

    def show(self, value: float) -> str:
        """Returns a value of the number, with its unit."""
        if self.side is None or value == 0:
            return f"{value:.0f}"
        if self.comparison == "over":
            return f"{value:.4g} times"
        metric = MEASURES[self.metric]
        return metric.show_difference(value) if self.comparison else metric.show(value)


def expand(entry: dict, titles: Titles = UNTITLED) -> Iterator[Statement]:
    """Yields the statements that an entry of claims.yaml or deviations.yaml stands for."""
    common: dict[str, Any] = {key: float(entry[key]) for key in ("low", "high") if key in entry}
    common |= {"metric": entry["metric"], "epochs": entry.get("epochs"), "titles": titles}
    common["part"] = entry.get("part", "")
    augmentation = entry.get("augmentation", "both")
    if entry["metric"] == "imbalance":
        yield Statement(**common)
        return
    comparison = next((word for word in ("minus", "over") if word in entry), None)
    for model in _names(entry["model"]):
        side = Statement(side=(model, augmentation), **common)
        other_augmentation = entry.get("minus_augmentation", augmentation)
        if comparison is not None:
            others = [name for name in _names(entry[comparison]) if name != model]
            yield from (replace(side, other=(other, other_augmentation), comparison=comparison) for other in others)
        elif "minus_augmentation" in entry:
            yield replace(side, other=(model, other_augmentation), comparison="minus")
        else:
            yield side


def _names(entry: str | list[str]) -> list[str]:
    return [entry] if isinstance(entry, str) else entry
