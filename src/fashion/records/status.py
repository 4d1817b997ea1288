"""A plan in words: the runs that are up to date, the stale ones with the reason, and what training them takes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fashion.records.forecast import Forecast
from fashion.records.state import State
from fashion.records.words import duration, seed_words


class PlannedRun(NamedTuple):
    """A run of a plan, with its present spec."""

    spec: dict
    state: State


def describe(
    study: str,
    runs: Sequence[PlannedRun],
    others: Mapping[str, int],
    forecast: Forecast,
    instead: Mapping[str, Sequence[dict]],
) -> str:
    """Returns the states of a plan's runs, a line for all that differ only in their seed, and `summary`."""
    groups: dict[tuple[str, str, str], list[PlannedRun]] = defaultdict(list)
    for run in sorted(runs, key=_name):
        model, augmentation, _ = _name(run)
        groups[model, augmentation, run.state.words].append(run)
    lines = []
    for (model, augmentation, state), members in groups.items():
        line = f"{model} {augmentation} {seed_words([run.spec['seed'] for run in members])}: {state}"
        if members[0].state.training:
            seconds = forecast.cost(members[0].spec).seconds
            line += "; time unknown" if seconds is None else f"; about {duration(seconds * len(members))}"
        lines.append(line)
    lines.append(summary(study, runs, forecast, instead))
    if others:
        lines.append(f"then: {', '.join(f'{count} {rule}' for rule, count in sorted(others.items()))}")
    return "\n".join(lines)


def summary(study: str, runs: Sequence[PlannedRun], forecast: Forecast, instead: Mapping[str, Sequence[dict]]) -> str:
    """Returns how many of a plan's runs are to be trained, and what that takes.

    Args:
        instead: other commands, with the specs of the runs that they train.
    """
    stale = [run.spec for run in runs if run.state.training]
    line = f"study {study}: {len(runs)} run{'s' * (len(runs) != 1)}, {len(stale) or 'none'} to train"
    if not stale:
        return line
    where = f" on {forecast.device}" if forecast.device else ""
    return "\n".join([f"{line}{where}", *forecast.lines(stale, instead)])


def _name(run: PlannedRun) -> tuple[str, str, int]:
    return run.spec["model"]["name"], run.spec["augmentation"]["name"], run.spec["seed"]
