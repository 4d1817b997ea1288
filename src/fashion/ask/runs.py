"""The finished runs that there are, for who wants to ask one."""

from pathlib import Path

from tabulate import tabulate

from fashion.errors import UserError
from fashion.records.metrics import percent
from fashion.records.run import Run, finished_runs
from fashion.study.run_folder import WEIGHTS

# A trained model that comes with the program, a run's folder: its README.md is its card.
SHIPPED = Path(__file__).with_name("trained")


def best_run(results: Path) -> Path:
    """The folder of the run with the highest validation accuracy, of those with weights and the shipped one.

    Raises:
        UserError: one has a damaged file.
    """
    finished = [run for folder in sorted(results.glob("*")) for run in finished_runs(folder).values()]
    candidates = [Run(SHIPPED), *(run for run in finished if (run.folder / WEIGHTS).is_file())]
    return max(candidates, key=lambda run: run.tested_epoch["validation_accuracy"]).folder


def listing(results: Path, study: str | None) -> str:
    """The finished runs of a study, or of all, a line for each.

    Raises:
        UserError: there are none, or one has a damaged file.
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
