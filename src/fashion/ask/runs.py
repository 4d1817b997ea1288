"""The finished runs, listed, and the best of them."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tabulate import tabulate

from fashion.errors import UserError, printable
from fashion.records.metrics import percent
from fashion.records.run import Run, finished_runs
from fashion.records.state import states
from fashion.study.config import CONFIG, load_study
from fashion.study.run_folder import FOLDER, WEIGHTS, run_path

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
    words = {SHIPPED: "comes with the program"} | {run: said for folder in folders for run, said in _states(folder)}
    for run in [*finished, *([] if study else [Run(SHIPPED)])]:
        rows.append(
            {
                "run": printable(short_name(run.folder)),
                "test accuracy": f"{percent(run.metrics['test_accuracy'])} (n = {run.metrics['test_images']:,})",
                "epochs": len(run.history),
                "seconds": f"{run.history['seconds'].sum():,.1f}",
                "state": words.get(run.folder, f"not in {CONFIG}"),
            }
        )
    if not rows:
        raise UserError(
            f"{results / study if study else results}: no finished run; `fashion watch` says how far a study is"
        )
    align = ("left", "right", "right", "right", "left")
    return tabulate(rows, headers="keys", tablefmt="plain", disable_numparse=True, colalign=align)


def _states(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yields the runs of the study with this folder of results, and their states; none if it is not configured."""
    with suppress(UserError):
        study, _ = load_study([CONFIG], folder.name)
        for key, state in states(study, folder).items():
            yield folder / run_path(FOLDER, key), state.words
