"""Model or training: two networks, each trained in two ways, and the effect of either."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fashion.records.metrics import percent, points, span
from fashion.records.run import Runs
from fashion.records.statistics import contrast

ACCURACY = "test accuracy"


def factorial(runs: Runs, cells: Sequence[tuple[str, str, str, str]]) -> pd.DataFrame:
    """Returns the test accuracy of each of four cells, then the effects of network, training and both.

    Numbers are shares of 1, with their 95 % intervals for other seeds and other test images.

    Args:
        cells: `[network, training, model, augmentation]` of two networks, each with the same two trainings.
    """
    correct = {
        (network, training): np.stack([run.correct for run in runs[model, augmentation]])
        for network, training, model, augmentation in cells
    }
    # Without repeats, in their order.
    first, second = networks = list(dict.fromkeys(network for network, _ in correct))
    before, after = trainings = list(dict.fromkeys(training for _, training in correct))
    effects = [
        *((ACCURACY, ", ".join(cell), {cell: 1}) for cell in correct),
        *((f"{second} − {first}", one, {(second, one): 1, (first, one): -1}) for one in trainings),
        *((f"{after} − {before}", one, {(one, after): 1, (one, before): -1}) for one in networks),
        ("both", "", {(second, after): 1, (first, before): -1}),
        ("interaction", "", {(second, after): 1, (first, after): -1, (second, before): -1, (first, before): 1}),
    ]
    rows = []
    for measure, of, signs in effects:
        estimate = contrast(*((sign, correct[cell]) for cell, sign in signs.items()))
        low, high = np.clip(estimate.interval(), 0 if measure == ACCURACY else -1, 1)
        rows.append(
            {
                "measure": measure,
                "of": of,
                "value": estimate.value,
                "low": low,
                "high": high,
                "seeds": " + ".join(str(len(correct[cell])) for cell in signs),
                "test_images": estimate.images,
            }
        )
    return pd.DataFrame(rows)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the table for a page: accuracies in percent, effects in percentage points."""
    shown = []
    for _, row in table.iterrows():
        show = percent if row["measure"] == ACCURACY else points
        shown.append(
            {
                "measure": row["measure"],
                "of": row["of"],
                "value": show(row["value"]),
                "95 % interval": span(show(row["low"]), show(row["high"])),
                "seeds": row["seeds"],
                "test images": f"{row['test_images']:,}",
            }
        )
    return pd.DataFrame(shown)
