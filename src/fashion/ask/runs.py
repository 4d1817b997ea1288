"""The finished runs, listed, and the best of them."""

from pathlib import Path

from tabulate import tabulate

from fashion.errors import UserError, printable
from fashion.records.metrics import percent
from fashion.records.run import Run, finished_runs
from fashion.study.run_folder import WEIGHTS

# The folder of the run that comes with the program; its README.md describes it.
SHIPPED, SHIPPED_NAME = Path(__file__).with_name("trained"), "shipped"


def best_run(results: Path) -> Path:
    """Returns the folder of the run with the highest validation accuracy among runs with weights and the shipped one.

    Raises:
        UserError: a run has a damaged file.
    """
    finished = [run for folder in sorted(results.glob("*")) for run in finished_runs(folder).values()]
    candidates = [Run(SHIPPED), *(run for run in finished if (run.folder / WEIGHTS).is_file())]
    return max(candidates, key=lambda run: run.tested_epoch["validation_accuracy"]).folder


def short_name(folder: Path) -> str:
    """Returns what the commands call the run in a folder."""
    if folder == SHIPPED:
        return SHIPPED_NAME
    study, _, model, augmentation, seed = folder.parts[-5:]
    return f"{study}/{model}/{augmentation}/{seed.removeprefix('seed')}"


def listing(results: Path, study: str | None) -> str:
    """Returns the finished runs of a study, or of all studies and the shipped one, a line for each.

    Raises:
        UserError: there is no run, or a run has a damaged file.
    """
    rows = []
    folders = [results / study] if study else sorted(results.glob("*"))
    finished = [run for folder in folders for run in finished_runs(folder).values()]
    for run in [*finished, *([] if study else [Run(SHIPPED)])]:
        metrics = run.metrics
        try:
            accuracy = f"{percent(metrics['test_accuracy'])} (n = {metrics['test_images']:,})"
        except (KeyError, TypeError) as error:
            raise UserError(f"{run.folder}: not what the pipeline writes: {error}; evaluate the run again") from error
        rows.append(
            {
                "run": printable(short_name(run.folder)),
                "test accuracy": accuracy,
                "epochs": len(run.history),
                "seconds": f"{run.history['seconds'].sum():,.1f}",
            }
        )
    if not rows:
        raise UserError(
            f"{results / study if study else results}: no finished run; `fashion watch` says how far a study is"
        )
    align = ("left", "right", "right", "right")
    return tabulate(rows, headers="keys", tablefmt="plain", disable_numparse=True, colalign=align)
