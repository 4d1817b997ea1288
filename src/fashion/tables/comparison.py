"""The comparison: measured numbers beside reported ones, for every model and augmentation of a study."""

from collections.abc import Callable
from statistics import mean

import numpy as np
import pandas as pd

from fashion.records.metrics import percent, span, with_diverged
from fashion.records.run import Runs
from fashion.records.statistics import contrast
from fashion.records.timing import doubts
from fashion.study.spec import split_sizes
from fashion.tables.writing import Markdown

REPORTED = ("parameters", "test_accuracy", "augmented_test_accuracy", "seconds", "seconds_per_epoch", "epochs")
# Which value of a column is best. Epochs have no best: to stop sooner is neither better nor worse.
BEST = {
    "test_accuracy": "max",
    "augmented_test_accuracy": "max",
    "parameters": "min",
    "flops_per_image": "min",
    "seconds": "min",
    "seconds_per_epoch": "min",
}
# Times taken on a busy machine are never the best.
TIMES = ["seconds", "seconds_per_epoch"]


def compare(runs: Runs) -> pd.DataFrame:
    """Returns a row for each model and augmentation: means over the seeds, each beside the reported number.

    The interval of the test accuracy is for other seeds and other test images; see `fashion.records.statistics`.
    `augmented_test_accuracy` is NaN unless the runs were tested on RandAugmented images. `diverged` counts the seeds
    that diverged; they stay in the means. `timed` says why the times decide nothing; it is empty if they are good.
    """
    rows = []
    for (model, augmentation), seeds in runs.items():
        first, reported = seeds[0], runs.reported(model, augmentation)
        accuracy = contrast((1, np.stack([run.correct for run in seeds])))
        low, high = accuracy.interval()
        epochs = mean(len(run.history) for run in seeds)
        seconds = mean(run.history["seconds"].sum() for run in seeds)
        train_images, _ = split_sizes(first.spec["training"])
        measured = {
            "parameters": first.metrics["parameters"],
            "flops_per_image": first.metrics["flops_per_image"],
            "test_accuracy": accuracy.value,
            "test_accuracy_std": pd.Series([run.metrics["test_accuracy"] for run in seeds]).std(),
            "test_accuracy_low": max(0.0, low),
            "test_accuracy_high": min(1.0, high),
            "augmented_test_accuracy": np.mean([run.metrics.get("augmented_test_accuracy", np.nan) for run in seeds]),
            "epochs": epochs,
            "best_epoch": mean(run.best["epoch"] for run in seeds),
            "seconds": seconds,
            "seconds_per_epoch": seconds / epochs,
            "images_per_second": train_images * epochs / seconds,
        }
        row = {
            "model": model,
            "augmentation": augmentation,
            "seeds": accuracy.seeds,
            "diverged": sum(run.diverged is not None for run in seeds),
            "train_images": train_images,
            "test_images": accuracy.images,
        }
        for column, value in measured.items():
            row[column] = value
            if column in REPORTED:
                row[f"reported_{column}"] = reported.get(column)
        row["timed"] = "; ".join(doubts(seeds))
        row["device"] = "; ".join(sorted({run.provenance["device"] for run in seeds}))
        rows.append(row)
    return pd.DataFrame(rows)


def readable(comparison: pd.DataFrame) -> pd.DataFrame:
    """Returns the comparison for a page: fewer columns, units, and the reported number after each measured one.

    The best measured value of a column is bold, and so are values that round to the same text.
    """
    comparable = comparison[TIMES].where(comparison["timed"] == "")
    best = comparison.assign(**comparable).agg(BEST)

    def show(row: pd.Series, column: str, write: Callable[[float], str]) -> str:
        if pd.isna(row[column]):
            return ""
        text = write(row[column])
        if column in best and text == write(best[column]) and not (column in TIMES and row["timed"]):
            text = f"**{text}**"
        reported = row.get(f"reported_{column}")
        return Markdown(text + (f" ({write(reported)})" if pd.notna(reported) else ""))

    rows = (
        {
            "model": row["model"],
            "augmentation": row["augmentation"],
            "test accuracy (reported)": show(row, "test_accuracy", percent),
            "95 % interval": span(percent(row["test_accuracy_low"]), percent(row["test_accuracy_high"])),
            **(
                {"test accuracy, RandAugmented images (reported)": show(row, "augmented_test_accuracy", percent)}
                if comparison["augmented_test_accuracy"].notna().any()
                else {}
            ),
            "seeds": with_diverged(row["seeds"], row["diverged"]),
            "test images": f"{row['test_images']:,}",
            "parameters (reported)": show(row, "parameters", "{:,.0f}".format),
            "MFLOP per image": show(row, "flops_per_image", lambda flops: f"{flops / 1e6:,.1f}"),
            "epochs (reported)": show(row, "epochs", "{:.4g}".format),
            "seconds (reported)": show(row, "seconds", "{:,.1f}".format),
            "seconds per epoch (reported)": show(row, "seconds_per_epoch", "{:.2f}".format),
            "times": row["timed"],
        }
        for _, row in comparison.iterrows()
    )
    # Columns of text would not remember which of it is Markdown.
    return pd.DataFrame(rows, dtype=object)
