"""A study's tables, figures and page, each made by its stage, from runs that were never trained."""

from collections.abc import Sequence
from pathlib import Path

from fashion.study import outputs
from fashion.study.definition import Study, grouped
from fashion.study.summary import summary
from helpers.checkout import REPORT
from helpers.command import stage
from helpers.page import make_page


def make_everything(study: Study, results: Path, data: Path, classes: Sequence[str]) -> Path:
    """Make all that the rules make of the runs in `results`; returns the page."""
    made = (*outputs.tables(study, REPORT), *outputs.figures(study, REPORT))
    more = {"titles": study.titles, "runs": grouped(study.specs), "summary": summary(study, REPORT)}
    of_data, of_runs = ("--data", data), ("--runs", results / "runs")
    tables, figures = ("--output", results / "tables"), ("--output", results / "figures")
    for job, module, options in (
        ("tables", "tables.make", (*of_data, *of_runs, *tables)),
        ("claims", "answer.make", (*of_data, *of_runs, *tables, "--report", REPORT.folder)),
        ("samples", "figures.samples", (*of_data, *figures)),
        ("diagrams", "figures.diagrams", (*of_data, *figures)),
        ("curves", "figures.curves", (*of_runs, *figures, "--published", REPORT.curves)),
        ("overviews", "figures.overviews", (*of_data, *of_runs, *figures, "--tables", results / "tables")),
    ):
        told = {one.name: one.told for one in made if one.job == job}
        done = stage(module, {"note": study.note, "classes": classes, "outputs": told, **more}, *options)
        assert (done.returncode, done.stderr) == (0, ""), f"{job}: {done.stderr}"
    return make_page(study, results)
