"""The further seeds that would decide an open statement or claim, and how long their trainings take."""

import math
from collections.abc import Mapping
from statistics import median

from fashion.answer.evidence import LEAST_SEEDS, OPEN, Evidence
from fashion.records.run import Runs
from fashion.records.words import duration
from fashion.study.definition import in_words, with_augmentation

# A model and its augmentation -> how many more seeds.
Missing = Mapping[tuple[str, str], float]
POWER = 0.8
MOST_SEEDS = 20
LISTED = 4  # models in a sentence


def missing_seeds(evidence: Evidence) -> Missing:
    """Returns the seeds that decide an open statement with 80 % power if its present estimate is true.

    With too few seeds for any verdict, those for a first one; infinite if more than twenty a side would be needed;
    empty if the statement is decided, or if other things than seeds keep it open.
    """
    statement, estimate = evidence.statement, evidence.estimate
    if evidence.verdict != OPEN or not evidence.seeds or evidence.unfit:
        return {}
    wanted: float | None = LEAST_SEEDS
    if min(evidence.seeds) >= LEAST_SEEDS:
        wanted = estimate.seeds_to_decide(*evidence.region, power=POWER, least=LEAST_SEEDS, most=MOST_SEEDS)
    lacking = {side: (wanted or math.inf) - seeds for side, seeds in zip(statement.sides, evidence.seeds, strict=True)}
    return {side: seeds for side, seeds in lacking.items() if seeds > 0}


def outlook(missing: Missing, runs: Runs) -> str:
    """Returns missing seeds in words, with the core-hours of their trainings; empty if there are none."""
    if not missing:
        return ""
    titles = runs.titles["model"]
    if math.inf in missing.values():
        names = dict.fromkeys(titles.get(model, model) for (model, _), seeds in missing.items() if seeds == math.inf)
        return f"more than {MOST_SEEDS} seeds of {' and '.join(names)}, since the number is close to the bound"
    augmentation, *others = {augmentation for _, augmentation in missing}
    alike = f", all {with_augmentation(runs.titles, augmentation)}" if len(missing) > 1 and not others else ""
    seeds = [
        f"{count} of {titles.get(side[0], side[0]) if alike else in_words(runs.titles, *side)}"
        for side, count in missing.items()
    ]
    left_out = len(seeds) - LISTED
    more = [f"those of {left_out} more"] * (left_out > 0)
    seconds = _seconds(missing, runs)
    hours = "" if seconds is None else f" (about {duration(seconds)} of one core)"
    return f"further seeds: {'; '.join(seeds[:LISTED] + more)}{alike}{hours}"


def merged(*each: Missing) -> Missing:
    """Returns the seeds that all of several statements need."""
    return {side: max(one.get(side, 0) for one in each) for side in dict.fromkeys(side for one in each for side in one)}


def _seconds(missing: Missing, runs: Runs) -> float | None:
    """Returns how long trainings take, by the finished ones; those of models without one by their operations."""
    took = {side: [run.history["seconds"].sum() for run in ones] for side, ones in runs.items() if ones}
    operations = runs.summary["operations"]
    rates = [
        seconds / operations[model] for (model, _), all_of in took.items() for seconds in all_of if model in operations
    ]
    if not rates or any(side not in took and side[0] not in operations for side in missing):
        return None
    each = {side: median(took[side]) if side in took else operations[side[0]] * median(rates) for side in missing}
    return sum(count * each[side] for side, count in missing.items())
