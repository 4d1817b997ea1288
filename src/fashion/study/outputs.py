"""The tables and figures of a study, the job that makes each, and the job's settings.

tables.yaml and figures.yaml of the report list them. The kinds here say what each needs from a study.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from fashion.study.definition import Study
from fashion.study.report import Report
from fashion.study.spec import Key

OF_REPORT, BEYOND, TABLES = "Figures of the report", "Beyond the report", "Tables"
# The jobs that make figures.
SAMPLES, DIAGRAMS, CURVES, OVERVIEWS = "samples", "diagrams", "curves", "overviews"


@dataclass(frozen=True, kw_only=True)
class Output:
    """A table or a figure.

    Args:
        name: the file name, without suffix.
        kind: a key of `TABLE_KINDS` or `FIGURE_KINDS`.
        title: the heading.
        caption: what the table or figure shows, in words.
        number: the number of a figure in the report; None beyond the report.
        quoted: the report's own caption and text about the figure; empty beyond the report.
        models: the models that it shows; empty for all models of the study.
        runs: the runs that it shows.
        settings: further settings of its job.
    """

    name: str
    kind: str
    title: str
    caption: str
    number: int | None = None
    quoted: dict[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    runs: tuple[Key, ...] = ()
    settings: dict = field(default_factory=dict)

    @property
    def job(self) -> str:
        """The rule that makes it."""
        return (TABLE_KINDS | FIGURE_KINDS)[self.kind].job

    @property
    def told(self) -> dict:
        """What its job gets: the kind, the models if not all, whether to show first seeds only, and the settings."""
        first = (TABLE_KINDS | FIGURE_KINDS)[self.kind].runs is first_seeds
        of_runs = {"models": self.models, "first_seeds": first}
        return {"kind": self.kind, **{key: value for key, value in of_runs.items() if value}, **self.settings}

    @property
    def shown(self) -> dict:
        """What the page gets."""
        names = ("name", "kind", "title", "caption", "number", "quoted", "models")
        return {name: getattr(self, name) for name in names}

    @property
    def files(self) -> tuple[str, str]:
        """Its two files in a study's results; Snakemake's report has the first."""
        if self.kind in TABLE_KINDS:
            return f"tables/{self.name}.csv", f"tables/{self.name}.md"
        return f"figures/{self.name}.png", f"figures/{self.name}.svg"

    @property
    def section(self) -> str:
        """The section of the page and of Snakemake's report that lists it."""
        if self.kind in TABLE_KINDS:
            return TABLES
        return BEYOND if self.number is None else OF_REPORT


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


def tables(study: Study, report: Report) -> list[Output]:
    """Returns the tables of a study, in the order of tables.yaml."""
    outputs = []
    for name, entry in report.tables.items():
        kind = TABLE_KINDS[entry.get("kind", name)]
        if kind.has(study, report):
            outputs.append(
                Output(
                    name=name,
                    kind=entry.get("kind", name),
                    title=entry["title"],
                    caption=entry["caption"],
                    runs=tuple(kind.runs(study, ())),
                    settings=kind.settings(study, report, entry),
                )
            )
    return outputs


def figures(study: Study, report: Report) -> list[Output]:
    """Returns the figures of a study that have something to show, in the order of figures.yaml."""
    outputs = []
    for name, entry in report.figures.items():
        kind, number = FIGURE_KINDS[entry["kind"]], entry.get("number")
        models = shown_models(entry, study, report)
        if kind.has(study, report) and (models or kind.job == SAMPLES):
            outputs.append(
                Output(
                    name=name,
                    kind=entry["kind"],
                    title=entry["title"] if number is None else f"Fig. {number}: {entry['title']}",
                    caption=entry["caption"],
                    number=number,
                    quoted=entry.get("report", {}),
                    models=models if "models" in entry or entry["kind"] == "curves" else (),
                    runs=tuple(kind.runs(study, models)),
                    settings=kind.settings(study, report, entry | {"models": models}),
                )
            )
    return outputs


def shown_models(entry: dict, study: Study, report: Report) -> tuple[str, ...]:
    """Returns the models that an entry of figures.yaml shows; a diagram's model need not run in the study."""
    reading = reading_of(study, report)
    if entry["kind"] == "diagram":
        return tuple(model for model in entry["models"] if model in study.catalogue)
    if "models" in entry:
        return tuple(model for model in entry["models"].get(reading, ()) if model in study.models)
    if entry["kind"] != "curves":
        return tuple(study.models)
    with_curves = {
        model
        for other in report.figures.values()
        if other["kind"] == "curves"
        for model in other.get("models", {}).get(reading, ())
    }
    return tuple(model for model in study.models if model not in with_curves)


def titled(titles: dict[str, dict[str, str]], model: str, augmentation: str) -> tuple[str, str]:
    """Returns a model's and an augmentation's title; see `Study.titles`."""
    return titles["model"].get(model, model), titles["augmentation"].get(augmentation, augmentation)


def reading_of(study: Study, report: Report) -> str:
    """Returns the reading in which a study answers the report's claims."""
    return study.reading or report.about["default_reading"]
