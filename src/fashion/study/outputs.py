"""The tables and figures of a study, the job that makes each, and the job's settings.

tables.yaml and figures.yaml of the report list them, and `fashion.study.kinds` says what each needs from a study.
"""

from dataclasses import dataclass, field

from fashion.study.definition import Study
from fashion.study.kinds import FIGURE_KINDS, SAMPLES, TABLE_KINDS, first_seeds
from fashion.study.report import Report
from fashion.study.spec import Key

OF_REPORT, BEYOND, TABLES = "Figures of the report", "Beyond the report", "Tables"


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


def reading_of(study: Study, report: Report) -> str:
    """Returns the reading in which a study answers the report's claims."""
    return study.reading or report.about["default_reading"]
