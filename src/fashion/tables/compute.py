"""What trainings cost, per run and in total: time, and energy if the GPU's driver counts it."""

import pandas as pd

from fashion.records.metrics import with_diverged
from fashion.records.run import Runs, accuracy_so_far
from fashion.records.timing import doubts

JOULES_PER_WATT_HOUR = 3600
TOTAL = "all"
GOAL = "seconds_to_"  # a column's name continues with the percentage


def compute(runs: Runs) -> pd.DataFrame:
    """Returns a row for each run, and one for each device with the sums over its runs.

    - `seconds`: training and validation.
    - `processor_seconds`: all threads and attempts of a training; absent from records of older code.
    - `watt_hours`: the whole GPU during the training; absent if an epoch's energy was not counted.
    - `timed`: why a time decides nothing; empty if it is good.
    - `reported_seconds`: a device's sum counts each reported training once.
    - `seconds_to_...`, one for each of the study's accuracy goals: training time until the epoch with the lowest
      validation loss so far has that test accuracy; absent if it never has.
    """
    goals = {f"{GOAL}{100 * goal:g}".replace(".", "_"): goal for goal in runs.summary["accuracy_goals"]}
    rows = []
    for (model, augmentation), seeds in runs.items():
        reported = runs.reported(model, augmentation)
        for run in seeds:
            seconds, so_far = run.history["seconds"].sum(), accuracy_so_far(run.history)
            rows.append(
                {
                    "model": model,
                    "augmentation": augmentation,
                    "seed": run.spec["seed"],
                    "device": run.provenance["device"],
                    "runs": 1,
                    "diverged": int(run.diverged is not None),
                    "epochs": len(run.history),
                    "seconds": seconds,
                    "seconds_per_epoch": seconds / len(run.history),
                    "processor_seconds": run.provenance.get("processor_seconds"),
                    **{name: so_far["seconds"][so_far["accuracy"] >= goal].min() for name, goal in goals.items()},
                    "timed": "; ".join(doubts([run])),
                    "watt_hours": run.history["joules"].sum(skipna=False) / JOULES_PER_WATT_HOUR,
                    "reported_seconds": reported.get("seconds"),
                    "reported_seconds_per_epoch": reported.get("seconds_per_epoch"),
                }
            )
    frame = pd.DataFrame(rows)
    # Several models can share one reported training, which counts once.
    totals = frame.groupby("device", as_index=False).agg(
        {
            "runs": "sum",
            "diverged": "sum",
            "epochs": "sum",
            "seconds": "sum",
            "processor_seconds": lambda values: values.sum(min_count=1),
            "watt_hours": lambda values: values.sum(min_count=1),
            "reported_seconds": lambda values: values.drop_duplicates().sum(min_count=1),
        }
    )
    totals = totals.assign(
        model=TOTAL, augmentation=TOTAL, timed="", seconds_per_epoch=totals["seconds"] / totals["epochs"]
    )
    return pd.concat([frame, totals], ignore_index=True).astype({"seed": "Int64"})


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns the table for a page: with units, and the reported number after ours."""

    goals = [column for column in map(str, frame.columns) if column.startswith(GOAL)]
    percentages = ", ".join(column.removeprefix(GOAL).replace("_", ".") for column in goals)

    def beside(row: pd.Series, column: str, specification: str) -> str:
        reported = row[f"reported_{column}"]
        return f"{row[column]:{specification}}" + (f" ({reported:{specification}})" if pd.notna(reported) else "")

    return pd.DataFrame(
        {
            "model": row["model"],
            "augmentation": row["augmentation"],
            "seed": "" if pd.isna(row["seed"]) else row["seed"],
            "runs": with_diverged(row["runs"], row["diverged"]),
            "epochs": row["epochs"],
            "seconds (reported)": beside(row, "seconds", ",.1f"),
            "seconds per epoch (reported)": beside(row, "seconds_per_epoch", ".2f"),
            "processor seconds": "" if pd.isna(row["processor_seconds"]) else f"{row['processor_seconds']:,.1f}",
            f"seconds to {percentages} %": ""
            if row["model"] == TOTAL
            else ", ".join("-" if pd.isna(row[name]) else f"{row[name]:,.0f}" for name in goals),
            "times": row["timed"],
            "Wh": "" if pd.isna(row["watt_hours"]) else f"{row['watt_hours']:.1f}",
            "device": row["device"],
        }
        for _, row in frame.iterrows()
    )
