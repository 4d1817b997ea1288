"""The comparison: every model and augmentation of a study, measured beside reported."""

import argparse
import math
from pathlib import Path
from statistics import NormalDist

import pandas as pd
from scipy import stats

from fashion.errors import exit_on_user_error
from fashion.files import read_json
from fashion.protocol import split_sizes
from fashion.tables import write_table

REPORTED = ("parameters", "test_accuracy", "seconds", "seconds_per_epoch", "epochs")
CONFIDENCE = 0.95
# Of each measured column that has one. Epochs have none: to stop sooner is neither better nor worse.
BEST = {
    "test_accuracy": "max",
    "parameters": "min",
    "flops_per_image": "min",
    "seconds": "min",
    "seconds_per_epoch": "min",
    "images_per_second": "max",
}


def read_run(folder: Path) -> dict:
    """What one run's folder says that a comparison needs."""
    spec, metrics = read_json(folder / "spec.json"), read_json(folder / "metrics.json")
    history = pd.read_csv(folder / "history.csv")
    return {
        **metrics,
        "train_images": split_sizes(spec["training"])[0],
        "epochs": len(history),
        "best_epoch": int(history["epoch"][history["validation_loss"].idxmin()]),
        "seconds": history["seconds"].sum(),
        "device": read_json(folder / "provenance.json")["device"],
    }


def interval(accuracies: pd.Series, test_images: int) -> tuple[float, float]:
    """A 95 % interval of the mean test accuracy over seeds, for other seeds and other test images.

    Two independent errors, added in quadrature: of the seeds (Student's t; none can be said of a single seed) and of
    the test images, which all seeds share (normal approximation to the binomial).
    """
    mean, n = accuracies.mean(), len(accuracies)
    tail = (1 + CONFIDENCE) / 2
    of_images = NormalDist().inv_cdf(tail) * math.sqrt(mean * (1 - mean) / test_images)
    of_seeds = stats.t.ppf(tail, n - 1) * accuracies.std() / math.sqrt(n) if n > 1 else 0.0
    half_width = math.hypot(of_images, of_seeds)
    return max(0.0, mean - half_width), min(1.0, mean + half_width)


def compare(summary: dict, runs: Path) -> pd.DataFrame:
    """One row a model and augmentation: means over the seeds, and every reported number beside its own.

    Args:
        summary: a study's models, seeds and reported numbers, as `fashion.config.Study.summary` gives them.
        runs: the folder with `<model>/<augmentation>/seed<k>/`.
    """
    rows = []
    for model, entry in sorted(summary["models"].items()):
        for augmentation in entry["augmentations"]:
            folder = runs / model / augmentation
            seeds = pd.DataFrame([read_run(folder / f"seed{seed}") for seed in summary["seeds"]])
            low, high = interval(seeds["test_accuracy"], seeds["test_images"][0])
            seconds, epochs = seeds["seconds"].mean(), seeds["epochs"].mean()
            measured = {
                "parameters": seeds["parameters"][0],
                "flops_per_image": seeds["flops_per_image"][0],
                "test_accuracy": seeds["test_accuracy"].mean(),
                "test_accuracy_std": seeds["test_accuracy"].std(),
                "test_accuracy_low": low,
                "test_accuracy_high": high,
                "epochs": epochs,
                "best_epoch": seeds["best_epoch"].mean(),
                "seconds": seconds,
                "seconds_per_epoch": seconds / epochs,
                "images_per_second": seeds["train_images"][0] * epochs / seconds,
            }
            row = {
                "model": model,
                "augmentation": augmentation,
                "seeds": len(seeds),
                "train_images": seeds["train_images"][0],
                "test_images": seeds["test_images"][0],
            }
            for column, value in measured.items():
                row[column] = value
                if column in REPORTED:
                    row[f"reported_{column}"] = entry["reported"].get(column)
            row["device"] = "; ".join(sorted(set(seeds["device"])))
            rows.append(row)
    return pd.DataFrame(rows)


def readable(comparison: pd.DataFrame) -> pd.DataFrame:
    """The comparison for a page: fewer columns, units, and the report's number after each measured one.

    The best measured value of a column is bold, and so is every other that reads the same.
    """
    best = comparison.agg(BEST)

    def show(row: pd.Series, column: str, specification: str, scale: float = 1) -> str:
        text = f"{scale * row[column]:{specification}}"
        if column in best and text == f"{scale * best[column]:{specification}}":
            text = f"**{text}**"
        reported = row.get(f"reported_{column}")
        return text + (f" ({reported:{specification}})" if pd.notna(reported) else "")

    return pd.DataFrame(
        {
            "model": row["model"],
            "augmentation": row["augmentation"],
            "test accuracy (reported)": show(row, "test_accuracy", ".2%"),
            "95 % interval": f"{row['test_accuracy_low']:.2%} to {row['test_accuracy_high']:.2%}",
            "seeds": row["seeds"],
            "test images": f"{row['test_images']:,}",
            "parameters (reported)": show(row, "parameters", ",.0f"),
            "MFLOP per image": show(row, "flops_per_image", ",.1f", 1e-6),
            "epochs (reported)": show(row, "epochs", ".4g"),
            "seconds (reported)": show(row, "seconds", ",.1f"),
            "seconds per epoch (reported)": show(row, "seconds_per_epoch", ".2f"),
            "images per second": show(row, "images_per_second", ",.0f"),
        }
        for _, row in comparison.iterrows()
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fashion.comparison", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="the study's summary, JSON")
    parser.add_argument("--runs", type=Path, required=True, help="the folder with all runs")
    parser.add_argument("--output", type=Path, required=True, help="the .csv file; a .md file is written beside it")
    arguments = parser.parse_args()
    summary = read_json(arguments.study)
    comparison = compare(summary, arguments.runs)
    write_table(comparison, arguments.output, summary["note"], shown=readable(comparison))


if __name__ == "__main__":
    exit_on_user_error(main)
