"""Publishes finished runs as a reference: their small files, tables and figures, and a page on how they were made."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fashion.answer.make import answer
from fashion.errors import UserError
from fashion.figures import curves, effects, published_runs
from fashion.figures.parts.groups import read_groups
from fashion.figures.parts.sheet import save
from fashion.files import write_json, write_text
from fashion.lock import Lock
from fashion.records.run import Run, Runs, finished_runs, grouped_runs
from fashion.reference.foreign import check_output, check_run, refuse_link, refuse_links, tests_of
from fashion.reference.readme import Tables, listed, readme
from fashion.stage import exit_on_user_error, stage_parser
from fashion.study import outputs
from fashion.study.config import CONFIG, load_study
from fashion.study.definition import Study, grouped, titled
from fashion.study.report import Report
from fashion.study.run_folder import ALONE, CORRECT, FOLDER, PROVENANCE, RECORDS, run_folders, run_path
from fashion.study.spec import Key
from fashion.study.summary import summary
from fashion.tables import comparison, factorial
from fashion.tables.writing import write_table

# Kinds of tables and figures that are made anew from the published runs.
MADE = ("factorial", "effects", "curves", "published_runs")
# That another process may take to publish.
PUBLISHING_SECONDS = 300


def publish(study: Study, report: Report, results: Path, reference: Path, commit: str | None = None) -> list[Key]:
    """Puts the study's finished runs into `reference`, with their comparison, tables and figures, and a page on them.

    Runs already in `reference` stay unless `results` has them too, so that several machines can share a study. Runs
    whose spec is not the study's are left out. The folder is replaced as a whole, or left as it was; a kill between two
    moves leaves none, and the next call puts it back. Of several processes that publish, each waits for its turn.

    Args:
        results: the study's folder of results, or another reference.
        commit: the commit of the source, for runs that did not record it.

    Returns:
        The runs of the study that are still missing.

    Raises:
        UserError: no run of the study has finished, a run contradicts itself or was made on other data than the
            report's, or a file lies outside of its folder.
    """
    with Lock(reference.with_name(f".{reference.name}.lock"), "is publishing this study", PUBLISHING_SECONDS):
        _clean(reference)
        return _publish(study, report, results, reference, commit)


def _publish(study: Study, report: Report, results: Path, reference: Path, commit: str | None) -> list[Key]:
    for pattern in (FOLDER, ALONE):
        for key, folder in run_folders(results, pattern=pattern):
            if key in study.specs:
                refuse_links(folder, results)
    known, timed = (finished_runs(reference, pattern) | finished_runs(results, pattern) for pattern in (FOLDER, ALONE))
    runs = {key: known[key] for key, spec in study.specs.items() if key in known and known[key].spec == spec}
    timed = {key: run for key, run in timed.items() if key in study.specs}
    if not runs:
        raise UserError(f"{results}: no finished run of the study {study.name} as config.yaml has it now")
    fresh = _beside(reference, "new")
    try:
        for key, run in runs.items():
            _copy_run(run, fresh / run_path(FOLDER, key), commit)
        for key, run in timed.items():
            _copy_run(run, fresh / run_path(ALONE, key), commit)
        part = study.only(runs)
        for source in (reference, results):
            _copy_tables_and_figures(
                outputs.tables(study, report) + outputs.figures(study, report), runs, source, fresh
            )
        (fresh / "tables").mkdir(exist_ok=True)
        finished = _finished(part, report, runs, timed)
        tables = answer(finished, *_of_dataset(part, report, fresh), report.claims, report.deviations)
        table = comparison.compare(finished)
        tables["comparison"] = (table, comparison.readable(table))
        for one in outputs.tables(part, report):
            if one.kind == "factorial":
                table = factorial.factorial(finished, **one.settings)
                tables[one.kind] = (table, factorial.readable(table))
            if one.kind in tables:
                frame, shown = tables[one.kind]
                write_table(frame, fresh / f"tables/{one.name}.csv", study.note, shown=shown, titles=part.titles)
        _draw(part, report, runs, tables, fresh)
        missing = [key for key in study.specs if key not in runs]
        write_text(fresh / "README.md", readme(study, report, fresh, tables, missing))
        _replace(reference, fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return missing


def _copy_run(run: Run, folder: Path, commit: str | None) -> None:
    check_run(run)
    folder.mkdir(parents=True)
    for name in RECORDS:
        shutil.copyfile(run.folder / name, folder / name)
    # The commit that was not recorded, and paths as they are where the results lie in `results`.
    root, given = f"{run.folder.parents[4]}/", run.provenance
    command = ["results/" * word.startswith(root) + word.removeprefix(root) for word in given["command"]]
    if (told := given | {"command": command, "commit": given["commit"] or commit}) != given:
        write_json(folder / PROVENANCE, told)
    for prefix in tests_of(run):
        np.save(folder / f"{prefix}{CORRECT}", np.packbits(run.correct_of(prefix).astype(bool)))


def _copy_tables_and_figures(made: Sequence[outputs.Output], runs: dict[Key, Run], source: Path, fresh: Path) -> None:
    """Copies a source's tables and figures if all their runs are published from this source."""
    for one in made:
        of_published = all(key in runs and runs[key].folder == source / run_path(FOLDER, key) for key in one.runs)
        if of_published and one.kind not in MADE:
            for path in (source / file for file in one.files if not file.endswith(".svg")):
                refuse_link(path, source)
                if path.exists():
                    check_output(path)
                    (fresh / path.parent.name).mkdir(exist_ok=True)
                    shutil.copyfile(path, fresh / path.parent.name / path.name)


def _finished(part: Study, report: Report, runs: dict[Key, Run], timed: dict[Key, Run]) -> Runs:
    """Returns the published runs by model and augmentation."""
    finished = Runs(summary(part, report), Path(), grouped_runs(timed))
    published = grouped_runs(runs)
    finished.runs = {group: published[group] for group in finished.runs}
    return finished


def _of_dataset(part: Study, report: Report, fresh: Path) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Returns the copied tables of each class's images and of duplicates; if there are none, an empty one and None."""

    def copied(kind: str) -> pd.DataFrame | None:
        paths = [fresh / f"tables/{one.name}.csv" for one in outputs.tables(part, report) if one.kind == kind]
        return next((pd.read_csv(path) for path in paths if path.exists()), None)

    counted = copied("classes")
    return (pd.DataFrame() if counted is None else counted), copied("duplicates")


def _draw(part: Study, report: Report, runs: dict[Key, Run], tables: Tables, fresh: Path) -> None:
    """Draws the figures that depend on the published seeds: curves, and those of a table."""
    published = pd.read_csv(report.curves)
    for one in outputs.figures(part, report):
        file = [fresh / f"figures/{one.name}.png"]
        if one.kind == "curves":
            groups = [[*group, *titled(part.titles, *group[:2])] for group in grouped(one.runs)]
            shown = read_groups(fresh / "runs", groups)
            save(curves.plot(shown, published=published, **one.settings), file, part.note)
        elif one.kind == "published_runs":
            save(published_runs.plot(tables["repeats"][0], **one.settings), file, part.note)
        elif one.kind == "effects":
            save(effects.plot(tables["factorial"][0]), file, part.note)


def _beside(folder: Path, suffix: str) -> Path:
    """Returns the path of the new or the old version of a folder while it is replaced; `make answer` reads neither."""
    return folder.with_name(f".{folder.name}.{suffix}")


def _replace(folder: Path, fresh: Path) -> None:
    """Puts `fresh` in the place of `folder`; after a kill between the two steps, `_clean` puts back the old one."""
    old = _beside(folder, "old")
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _clean(folder: Path) -> None:
    """Removes what a killed process left beside a folder; puts back its old version if it is missing."""
    old = _beside(folder, "old")
    if old.exists() and not folder.exists():
        old.rename(folder)
    for left in (old, _beside(folder, "new")):
        shutil.rmtree(left, ignore_errors=True)


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--study", required=True, help="the name of a study in config.yaml")
    parser.add_argument("--config", type=Path, default=CONFIG, help="(default: %(default)s)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="has <study>/ (default: %(default)s)")
    parser.add_argument(
        "--reference", type=Path, default=Path("docs/reference"), help="to write <study>/ in (default: %(default)s)"
    )
    parser.add_argument("--commit", help="the commit of the source, for runs that did not record it")
    arguments = parser.parse_args()
    study, report = load_study([arguments.config], arguments.study)
    target = arguments.reference / study.name
    missing = publish(study, report, arguments.results / study.name, target, arguments.commit)
    print(f"{target}: {len(study.specs) - len(missing)} of {len(study.specs)} runs")
    if missing:
        print(f"missing: {listed(missing)}")


if __name__ == "__main__":
    exit_on_user_error(main)
