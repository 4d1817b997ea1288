"""The finished runs, listed, and the best of them."""

from pathlib import Path

from tabulate import tabulate

from fashion.errors import UserError
from fashion.records.metrics import percent
from fashion.records.run import Run, finished_runs
from fashion.study.run_folder import WEIGHTS

# The folder of the run that comes with the program; its README.md describes it.
SHIPPED = Path(__file__).with_name("trained")


def best_run(results: Path) -> Path:
    """Returns the folder of the run with the highest validation accuracy among runs with weights and the shipped one.

    Raises:
        UserError: a run has a damaged file.
    """
    finished = [run for folder in sorted(results.glob("*")) for run in finished_runs(folder).values()]
    candidates = [Run(SHIPPED), *(run for run in finished if (run.folder / WEIGHTS).is_file())]
    return max(candidates, key=lambda run: run.tested_epoch["validation_accuracy"]).folder


def listing(results: Path, study: str | None) -> str:
    """Returns the finished runs of a study, or of all studies, a line for each.

    Raises:
        UserError: there is no run, or a run has a damaged file.
    """
    rows = []
    for folder in sorted(results.glob(study or "*")):
        for (model, augmentation, seed), run in finished_runs(folder).items():
            metrics = run.metrics
            try:
                accuracy = f"{percent(metrics['test_accuracy'])} (n = {metrics['test_images']:,})"
            except (KeyError, TypeError) as error:
                raise UserError(
                    f"{run.folder}: not what the pipeline writes: {error}; evaluate the run again"
                ) from error
            rows.append(
                {
                    "model": model,
                    "augmentation": augmentation,
                    "seed": seed,
                    "test accuracy": accuracy,
                    "epochs": len(run.history),
                    "seconds": f"{run.history['seconds'].sum():,.1f}",
                    "run": run.folder,
                }
            )
    if not rows:
        raise UserError(
            f"{results / study if study else results}: no finished run; `fashion watch` says how far a study is"
        )
    align = ("left", "left", "right", "right", "right", "right", "left")
    return tabulate(rows, headers="keys", tablefmt="plain", disable_numparse=True, colalign=align)
