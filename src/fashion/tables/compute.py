"""What the trainings cost: time, and energy where the GPU's driver counts it, per run and in total."""

import pandas as pd

from fashion.records.metrics import with_diverged
from fashion.records.run import Runs, accuracy_so_far
from fashion.records.timing import doubts

JOULES_PER_WATT_HOUR = 3600
TOTAL = "all"
GOAL = "seconds_to_"  # with the percentage, begins the name of a column


def compute(runs: Runs) -> pd.DataFrame:
    """A row for each run, and one for each device with the sums over its runs.

    Seconds are those of training and validation; processor seconds those of the whole training, all its threads and
    attempts together, absent where older code did not record them; watt hours those of the whole GPU meanwhile, absent
    where an epoch's were not counted. `timed` says why a time decides nothing, if it does not. The sum of the reported
    seconds takes the models' reported trainings once each. A column for each of the report's accuracy goals has the
    seconds until the epoch with the lowest validation loss so far has that test accuracy, absent where none had.
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
    # Models that read a number of the report differently have it in common: one training, counted once.
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
    """The table for a page: units, and the report's number after ours."""

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
