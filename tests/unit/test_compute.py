"""What the trainings cost, per run and in total."""

from pathlib import Path

import pandas as pd
import pytest

from fashion.records.run import Runs
from fashion.tables.compute import compute, readable
from helpers.runs import FakeRun, make_history
from helpers.specs import make_spec


def fabricate(seed: int, seconds: list[float], joules: list[float], device: str = "a GPU") -> FakeRun:
    history = make_history(len(seconds), seconds=seconds, joules=joules)
    return FakeRun(make_spec(seed=seed), history=history, provenance={"device": device})


@pytest.fixture
def runs() -> Runs:
    """Two models that read one reported training differently, two seeds each, and one that used another device."""
    trained = {
        ("narrow", "both"): [fabricate(0, [2, 4], [3600, 3600]), fabricate(1, [6], [7200])],
        ("wide", "both"): [fabricate(0, [8], [3600]), fabricate(1, [10], [float("nan")])],
        ("vit", "none"): [
            fabricate(seed, [seconds], [float("nan")], "a processor") for seed, seconds in ((0, 1), (1, 2))
        ],
    }
    reported = {
        "narrow": {"both": {"seconds": 100.5, "seconds_per_epoch": 3}},
        "wide": {"both": {"seconds": 100.5}},
        "vit": {"both": {"seconds": 7}},  # of another run than the one that is there
    }
    models = {model: {"augmentations": {name: [0, 1]}, "reported": reported[model]} for model, name in trained}
    runs = Runs({"order": list(models), "models": models, "accuracy_goals": [0.5, 0.918, 0.93]}, Path())
    runs.runs = trained
    return runs


def test_each_run_has_its_time_and_energy_beside_the_reported_time(runs):
    table = compute(runs).set_index(["model", "seed"])
    row = table.loc["narrow", 0]
    assert (row["epochs"], row["seconds"], row["seconds_per_epoch"], row["watt_hours"]) == (2, 6, 3, 2)
    assert (row["reported_seconds"], row["reported_seconds_per_epoch"]) == (100.5, 3)
    assert pd.isna(table.loc["wide", 1]["watt_hours"])


def test_a_goal_is_reached_by_the_epoch_that_validation_chose(runs):
    run = runs["narrow", "both"][0]
    losses, accuracies = [0.5, float("nan"), 0.4, 0.6], [0.5, 0.95, 0.92, 0.95]
    run.history = make_history(losses, seconds=[10, 20, 30, 40], test_accuracy=accuracies)
    runs["narrow", "both"][1].history["test_accuracy"] = 0.4
    table = compute(runs)
    goals = ["seconds_to_50", "seconds_to_91_8", "seconds_to_93"]
    assert table.iloc[0][goals].fillna(-1).tolist() == [10, 60, -1]
    assert readable(table)["seconds to 50, 91.8, 93 %"].iloc[[0, 1, -1]].tolist() == ["10, 60, -", "-, -, -", ""]


def test_the_totals_are_of_each_device_and_count_a_reported_training_once(runs):
    table = compute(runs)
    totals = table[table["model"] == "all"].set_index("device")
    assert totals.loc["a GPU", ["runs", "epochs", "seconds", "watt_hours"]].tolist() == [4, 5, 30, 5]
    assert totals.loc["a GPU", "reported_seconds"] == 100.5
    assert totals.loc["a processor", "seconds"] == 3
    assert totals.loc["a processor", ["watt_hours", "reported_seconds"]].isna().all()


def test_the_page_shows_what_is_known_and_leaves_the_rest_blank(runs):
    shown = readable(compute(runs))
    assert shown["seconds (reported)"][0] == "6.0 (100.5)"
    assert shown[["seed", "Wh"]].iloc[-1].tolist() == ["", ""]


def test_a_run_with_an_epoch_whose_energy_is_unknown_has_none(runs):
    runs.runs["narrow", "both"][0].history["joules"] = [3600, float("nan")]
    assert pd.isna(compute(runs).set_index(["model", "seed"]).loc["narrow", 0]["watt_hours"])
