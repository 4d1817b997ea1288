"""Publish finished runs as a reference: what of them is small and lasting, and a page on how they were made."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from fashion.answer import claims, repeats
from fashion.errors import UserError
from fashion.figures import curves
from fashion.figures import repeats as repeats_figure
from fashion.figures.parts.sheet import save
from fashion.files import write_json, write_text
from fashion.records.run import Key, Run, Runs, finished_runs
from fashion.reference.page import listed, page
from fashion.stage import exit_on_user_error, stage_parser
from fashion.study.config import CONFIG, load_study
from fashion.study.run_folder import CORRECT, PROVENANCE, RECORDS
from fashion.study.study import Study
from fashion.tables import comparison
from fashion.tables.writing import write_table

# Figures of what makes them look the same whoever draws them: dataset, augmentation and layers.
SAME_EVERYWHERE = ("dataset", "mixup", "model")
# Those that are drawn here anew, from the runs that are published.
DRAWN = (curves.__name__, repeats_figure.__name__)


def publish(study: Study, results: Path, reference: Path, commit: str | None = None) -> list[Key]:
    """Put the study's finished runs into `reference`, with their comparison, tables and figures, and a page on them.

    What `reference` has already stays unless `results` has it too, so that several machines can share a study. A run
    with another spec than the study's is none of it. The folder is replaced as a whole, or left as it was.

    Args:
        results: the study's folder of results, or another reference.
        commit: that of the source, for runs made by a copy of it that did not know its commit.

    Returns:
        The runs of the study that are still missing.

    Raises:
        UserError: no run of the study has finished.
    """
    known = finished_runs(reference) | finished_runs(results)
    runs = {key: known[key] for key, spec in study.specs.items() if key in known and known[key].spec == spec}
    if not runs:
        raise UserError(f"{results}: no finished run of the study {study.name} as config.yaml has it now")
    fresh = reference.with_name(f".{reference.name}.{os.getpid()}")
    try:
        for key, run in runs.items():
            _copy_run(run, _folder(fresh, key), commit)
        for source in (reference, results):
            _copy_tables_and_figures(study, runs, source, fresh)
        (fresh / "tables").mkdir(exist_ok=True)
        finished = _finished(study, runs)
        table = comparison.compare(finished)
        classes = fresh / "tables/table1_classes.csv"
        claimed = claims.write_tables(
            finished, pd.read_csv(classes) if classes.exists() else pd.DataFrame(), fresh / "tables"
        )
        repeated = repeats.repeats(finished)
        write_table(table, fresh / "tables/comparison.csv", study.note, shown=comparison.readable(table))
        if len(repeated):
            write_table(repeated, fresh / "tables/repeats.csv", study.note, shown=repeats.readable(repeated))
        _draw(study, runs, repeated, fresh)
        missing = [key for key in study.specs if key not in runs]
        write_text(fresh / "README.md", page(study, fresh, claimed, table, repeated, missing))
        _replace(reference, fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return missing


def _folder(root: Path, key: Key) -> Path:
    model, augmentation, seed = key
    return root / "runs" / model / augmentation / f"seed{seed}"


def _copy_run(run: Run, folder: Path, commit: str | None) -> None:
    folder.mkdir(parents=True)
    for name in RECORDS:
        shutil.copyfile(run.folder / name, folder / name)
    if commit and not run.provenance["commit"]:
        write_json(folder / PROVENANCE, run.provenance | {"commit": commit})
    for prefix in ("", "augmented_") if "augmented_test_accuracy" in run.metrics else ("",):
        np.save(folder / f"{prefix}{CORRECT}", np.packbits(run.correct_of(prefix).astype(bool)))


def _copy_tables_and_figures(study: Study, runs: dict[Key, Run], source: Path, fresh: Path) -> None:
    """Copy those of a source's tables and figures that were made from the very runs that are published."""
    of_runs = ("study", "predictions", "answer")
    made_from = {f"tables/{table.name}": study.specs if table.reads in of_runs else () for table in study.tables()} | {
        f"figures/{figure.name}": study.specs if figure.reads == "comparison" else study.shown_by(figure)
        for figure in study.figures().values()
        if figure.reads not in SAME_EVERYWHERE and figure.stage not in DRAWN
    }
    for name, needed in made_from.items():
        if all(key in runs and runs[key].folder == _folder(source, key) for key in needed):
            for path in source.glob(f"{name}.*"):
                if path.suffix != ".svg":
                    target = fresh / path.relative_to(source)
                    target.parent.mkdir(exist_ok=True)
                    shutil.copyfile(path, target)


def _finished(study: Study, runs: dict[Key, Run]) -> Runs:
    """Those of a study's runs that are there, by model and augmentation, without those that have none."""
    finished = Runs(study.only(runs).summary(), Path())
    finished.runs = {group: [run for key, run in runs.items() if key[:2] == group] for group in finished.runs}
    return finished


def _draw(study: Study, runs: dict[Key, Run], repeated: pd.DataFrame, fresh: Path) -> None:
    """Draw the figures that say something of the seeds that are there: curves, and the published runs beside ours."""
    for figure in study.figures().values():
        file = [fresh / f"figures/{figure.name}.png"]
        shown = [run for run in study.shown_by(figure) if run in runs]
        if figure.stage == curves.__name__ and shown:
            reported = {model: study.shown_reported(model) for model in figure.models}
            plotted = curves.plot([runs[key] for key in shown], reported, figure.held_out)
            save(plotted, file, study.note)
        elif figure.stage == repeats_figure.__name__ and len(repeated):
            save(repeats_figure.plot(repeated), file, study.note)


def _replace(folder: Path, fresh: Path) -> None:
    """Put `fresh` in the place of `folder`; killed between the two steps, there is none rather than half of one."""
    old = fresh.with_name(f"{fresh.name}.old")
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--study", required=True, help="the name of a study in config.yaml")
    parser.add_argument("--config", type=Path, default=CONFIG, help="(default: %(default)s)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="with <study>/ (default: %(default)s)")
    parser.add_argument(
        "--reference", type=Path, default=Path("docs/reference"), help="gets <study>/ (default: %(default)s)"
    )
    parser.add_argument("--commit", help="the source's, for runs made by a copy of it that did not know its commit")
    arguments = parser.parse_args()
    study = load_study([arguments.config], arguments.study)
    target = arguments.reference / study.name
    missing = publish(study, arguments.results / study.name, target, arguments.commit)
    print(f"{target}: {len(study.specs) - len(missing)} of {len(study.specs)} runs")
    if missing:
        print(f"missing: {listed(missing)}")


if __name__ == "__main__":
    exit_on_user_error(main)
