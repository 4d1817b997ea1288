"""The published runs repeated: each published accuracy beside ours, measured on test images of the same kind.

A published number agrees if it lies in the 95 % prediction interval of our seeds: where one more seed of ours would
lie, on the same test images. Fewer than three seeds, or runs under another protocol, decide nothing.
"""

import re
from typing import Any

import numpy as np
import pandas as pd

from fashion.answer.evidence import LEAST_SEEDS, OPEN
from fashion.answer.outlook import POWER
from fashion.records.metrics import percent, points, span, with_deviation, with_diverged
from fashion.records.run import Runs
from fashion.records.statistics import prediction
from fashion.study.report import departures

AGREES, DIFFERS = "agrees", "does not agree"
# The published code tests runs with augmentation on augmented images, the others on clean ones.
TESTED = {"augmented_test_accuracy": "RandAugmented", "test_accuracy": "clean"}


def repeats(runs: Runs, protocol: dict) -> pd.DataFrame:
    """Returns a row for each published run that the study repeats, ordered by its number; accuracies are shares of 1.

    `accuracy` is the mean over our seeds, measured as the published code does, `low` to `high` the prediction interval,
    and `noticed` the smallest shift of the published number that would be noticed with 80 % power. All are NaN where
    our runs were not measured so. `accuracies` has each seed's accuracy, and `clean_accuracy` is the mean on clean
    test images. Seeds that diverged stay in the means.

    Args:
        protocol: the training settings that a run needs to decide something.
    """
    rows: list[dict[str, Any]] = []
    for (model, augmentation), seeds in runs.items():
        reported = runs.reported(model, augmentation)
        if "run" not in reported:
            continue
        metric = next(name for name in TESTED if name in reported)
        accuracies = np.array([run.metrics.get(metric, np.nan) for run in seeds])
        clean = np.array([run.metrics["test_accuracy"] for run in seeds])
        low, high, noticed = prediction(accuracies, POWER)
        reasons = departures((run.spec for run in seeds), protocol)
        if np.isnan(accuracies).any():
            reasons.append("measured on clean test images only")
        if len(seeds) < LEAST_SEEDS:
            reasons.append(f"{len(seeds)} of at least {LEAST_SEEDS} seeds")
        verdict = AGREES if low <= reported[metric] <= high else DIFFERS
        rows.append(
            {
                "run": reported["run"],
                "model": model,
                "augmentation": augmentation,
                "tested_on": TESTED[metric],
                "reported_accuracy": reported[metric],
                "accuracy": accuracies.mean(),
                "accuracy_std": accuracies.std(ddof=1) if len(seeds) > 1 else np.nan,
                "low": low,
                "high": high,
                "noticed": noticed,
                "seeds": len(seeds),
                "diverged": sum(run.diverged is not None for run in seeds),
                "test_images": seeds[0].metrics["test_images"],
                "verdict": OPEN if reasons else verdict,
                "why_open": "; ".join(reasons),
                "clean_accuracy": clean.mean(),
                "clean_accuracy_std": clean.std(ddof=1) if len(seeds) > 1 else np.nan,
                "reported_epochs": reported["epochs"],
                "epochs": np.mean([len(run.history) for run in seeds]),
                "accuracies": " ".join(f"{accuracy:.4f}" for accuracy in accuracies),
            }
        )
    return pd.DataFrame(sorted(rows, key=lambda row: natural(row["run"])))


def natural(name: str) -> list[str | int]:
    """A key that sorts run2 before run10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the table for a page: accuracies in percent."""
    return pd.DataFrame(
        {
            "run": row["run"],
            "model": row["model"],
            "augmentation": row["augmentation"],
            "tested on": row["tested_on"],
            "published": percent(row["reported_accuracy"]),
            "ours": "" if np.isnan(row["accuracy"]) else with_deviation(row["accuracy"], row["accuracy_std"], percent),
            "one more seed (95 %)": "" if np.isnan(row["low"]) else span(percent(row["low"]), percent(row["high"])),
            "smallest shift noticed": "" if np.isnan(row["noticed"]) else points(row["noticed"]).removeprefix("+"),
            "seeds": with_diverged(row["seeds"], row["diverged"]),
            "test images": f"{row['test_images']:,}",
            "verdict": row["verdict"] + (f": {row['why_open']}" if row["why_open"] else ""),
            "ours, clean images": with_deviation(row["clean_accuracy"], row["clean_accuracy_std"], percent),
            "epochs (published)": f"{row['epochs']:.1f} ({row['reported_epochs']})",
        }
        for _, row in table.iterrows()
    )
