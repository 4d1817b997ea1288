"""The kinds of tables and figures: the job that makes each, and what it needs from a study."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from fashion.study.definition import Study, titled
from fashion.study.report import Report
from fashion.study.spec import Key

# The jobs that make figures.
SAMPLES, DIAGRAMS, CURVES, OVERVIEWS = "samples", "diagrams", "curves", "overviews"


# What a kind needs from a study: runs of the given models, whether there is anything to show, and settings.
def no_runs(study: Study, models: Sequence[str]) -> list[Key]:
    return []


def every_run(study: Study, models: Sequence[str]) -> list[Key]:
    return list(study.specs)


def all_seeds(study: Study, models: Sequence[str]) -> list[Key]:
    return [run for model in models for run in study.shown_runs(model)]


def first_seeds(study: Study, models: Sequence[str]) -> list[Key]:
    return [study.shown_runs(model)[0] for model in models]


def always(study: Study, report: Report) -> bool:
    return True


def has_runs(study: Study, report: Report) -> bool:
    return bool(study.specs)


def has_mixup(study: Study, report: Report) -> bool:
    return bool(study.augmented_by("mixup", "alpha"))


def has_randaugment(study: Study, report: Report) -> bool:
    return bool(study.augmented_by("randaugment", "magnitude"))


def has_published_runs(study: Study, report: Report) -> bool:
    """Returns whether the study repeats runs of the report's authors."""
    return not study.other_data and any("run" in report.numbers(*run[:2]) for run in study.specs)


def has_cells(study: Study, report: Report) -> bool:
    """Whether it runs every network with every training that the report's table `factorial` compares."""
    cells = report.tables.get("factorial", {}).get("cells", {})
    runs = {(run["model"], run["augmentation"]) for row in cells.values() for run in row.values()}
    return bool(runs) and runs <= study.groups.keys()


def nothing(study: Study, report: Report, entry: dict) -> dict:
    return {}


def alphas(study: Study, report: Report, entry: dict) -> dict:
    return {"alphas": study.augmented_by("mixup", "alpha")}


def magnitudes(study: Study, report: Report, entry: dict) -> dict:
    return {"magnitudes": study.augmented_by("randaugment", "magnitude")}


def hyperparameters(study: Study, report: Report, entry: dict) -> dict:
    """Returns `[setting, value, [[another value, models with it], ...]]` for each training setting."""
    training, overrides = study.hyperparameters().values()
    rows = []
    for setting in dict.fromkeys([*entry.get("first", ()), *training, *chain.from_iterable(overrides.values())]):
        others: dict[str, list[str]] = {}
        for model, own in overrides.items():
            if setting in own:
                others.setdefault(str(own[setting]), []).append(study.titles["model"][model])
        rows.append([setting, training.get(setting, ""), list(others.items())])
    return {"rows": rows}


def published(study: Study, report: Report, entry: dict) -> dict:
    """Returns name, model, augmentation and accuracy of each published run that the whole study repeats."""
    rows = {}
    for model, augmentation in study.planned.groups:
        numbers = report.numbers(model, augmentation)
        accuracy = numbers.get("augmented_test_accuracy", numbers.get("test_accuracy"))
        if "run" in numbers:
            rows[numbers["run"]] = [*titled(study.titles, model, augmentation), accuracy]
    return {"planned": [[run, *rows[run]] for run in sorted(rows, key=lambda run: (len(run), run))]}


def network(study: Study, report: Report, entry: dict) -> dict:
    """Returns name, family and settings of the model that a diagram draws."""
    (model,) = entry["models"]
    return {
        "entry": {"name": study.catalogue[model].get("title", model)}
        | {key: study.catalogue[model][key] for key in ("family", "settings")}
    }


def cells(study: Study, report: Report, entry: dict) -> dict:
    """Returns `[network, training, model, augmentation]` for each cell of the table `factorial`, in its order."""
    rows = [(network, training, run) for network, row in entry["cells"].items() for training, run in row.items()]
    return {"cells": [[network, training, run["model"], run["augmentation"]] for network, training, run in rows]}


def reported(study: Study, report: Report, entry: dict) -> dict:
    """Returns the reported numbers by model, and the held-out part whose curve is drawn beside the training's."""
    numbers = {model: report.numbers(model, study.shown_augmentation(model)) for model in entry["models"]}
    return {
        "reported": {} if study.other_data else {model: own for model, own in numbers.items() if own},
        "held_out": entry.get("held_out", "validation"),
    }


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of table or figure: the job that makes it, and what it needs from a study."""

    job: str
    has: Callable[[Study, Report], bool] = has_runs
    runs: Callable[[Study, Sequence[str]], list[Key]] = no_runs
    settings: Callable[[Study, Report, dict], dict] = nothing


FIGURE_KINDS = {
    "samples": Kind(job=SAMPLES, has=always),
    "mixup": Kind(job=SAMPLES, has=has_mixup, settings=alphas),
    "randaugment": Kind(job=SAMPLES, has=always),
    "mixup_alpha": Kind(job=SAMPLES, has=always),
    "diagram": Kind(job=DIAGRAMS, has=always, settings=network),
    "curves": Kind(job=CURVES, runs=all_seeds, settings=reported),
    "log": Kind(job=CURVES, runs=first_seeds),
    "confusion": Kind(job=OVERVIEWS, runs=all_seeds),
    "reliability": Kind(job=OVERVIEWS, runs=all_seeds),
    "mistakes": Kind(job=OVERVIEWS, runs=first_seeds),
    "tradeoff": Kind(job=OVERVIEWS, runs=all_seeds),
    "gradients": Kind(job=OVERVIEWS, runs=first_seeds),
    "time_to_accuracy": Kind(job=OVERVIEWS, runs=all_seeds),
    "all_curves": Kind(job=OVERVIEWS, runs=all_seeds),
    "published_runs": Kind(job=OVERVIEWS, has=has_published_runs, settings=published),
    "effects": Kind(job=OVERVIEWS, has=has_cells),
}
TABLE_KINDS = {
    "classes": Kind(job="tables", has=always),
    "duplicates": Kind(job="tables", has=always),
    "operations": Kind(job="tables", has=has_randaugment, settings=magnitudes),
    "hyperparameters": Kind(job="tables", has=always, settings=hyperparameters),
    "comparison": Kind(job="tables", runs=every_run),
    "per_class": Kind(job="tables", runs=every_run),
    "calibration": Kind(job="tables", runs=every_run),
    "ablation": Kind(job="tables", runs=every_run),
    "factorial": Kind(job="tables", has=has_cells, runs=every_run, settings=cells),
    "compute": Kind(job="tables", runs=every_run),
    "claims": Kind(job="claims", has=always, runs=every_run),
    "statements": Kind(job="claims", has=always, runs=every_run),
    "deviations": Kind(job="claims", has=always, runs=every_run),
    "repeats": Kind(job="claims", has=has_published_runs, runs=every_run),
    "without_duplicates": Kind(job="claims", runs=every_run),
}
# The kinds of figures that are drawn from a table.
DRAWN_FROM = {"tradeoff": "comparison", "published_runs": "repeats", "effects": "factorial"}
