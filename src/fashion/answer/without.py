"""How the answer changes if the test images that nearly equal a training image are left out."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from fashion.records.metrics import points
from fashion.records.run import Run, Runs

# What is compared with and without those images: of each table of the answer, the column that names a row.
NAMED_BY = {"claims": "id", "repeats": "run"}


class Without(Run):
    """A run as if some test images did not exist. Its history still counts them."""

    def __init__(self, run: Run, images: np.ndarray):
        super().__init__(run.folder)
        self.run, self.images = run, images
        self.spec, self.history, self.provenance = run.spec, run.history, run.provenance

    @cached_property
    def metrics(self) -> dict:
        prefixes = [prefix for prefix in ("", "augmented_") if f"{prefix}test_accuracy" in self.run.metrics]
        accuracies = {f"{prefix}test_accuracy": float(self.correct_of(prefix).mean()) for prefix in prefixes}
        return {**self.run.metrics, **accuracies, "test_images": len(self.correct)}

    def correct_of(self, prefix: str) -> np.ndarray:
        right = self.run.correct_of(prefix)
        return np.delete(right, self.images[self.images < len(right)])


def without(
    near: pd.DataFrame, runs: Runs, verdicts: dict[str, pd.DataFrame], judge: Callable[[Runs], dict[str, pd.DataFrame]]
) -> pd.DataFrame:
    """Returns which verdicts change without the test images of the table `duplicates`, and by how much accuracies do.

    Args:
        near: the table `duplicates`.
        verdicts: the answer's tables from all test images.
        judge: returns those tables for other runs.
    """
    fewer = Runs(runs.summary, Path(), runs.alone)
    images = near["test_image"].to_numpy(dtype=int)
    fewer.runs = {group: [Without(run, images) for run in seeds] for group, seeds in runs.items()}
    judged = judge(fewer) if len(images) else verdicts
    changes = [
        after.correct.mean() - before.correct.mean()
        for group, seeds in runs.items()
        for before, after in zip(seeds, fewer[group], strict=True)
    ]
    rows = [
        {"what": "test images left out", "value": str(len(images))},
        {"what": "largest change of a run's accuracy", "value": points(max(changes, key=abs, default=0.0))},
    ]
    for kind, words in {
        "claims": "verdicts that change",
        "repeats": "published accuracies that now repeat or do not",
    }.items():
        before, after = verdicts[kind], judged[kind]
        changed = list(before[NAMED_BY[kind]][before["verdict"] != after["verdict"]]) if len(before) else []
        rows.append({"what": words, "value": f"{', '.join(changed) or 'none'} of {len(before)}"})
    return pd.DataFrame(rows)
