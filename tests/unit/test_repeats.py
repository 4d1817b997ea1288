"""Published numbers beside ours: which repeat, on fabricated runs on both sides of the interval."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fashion.answer.repeats import readable, repeats
from fashion.figures import published_runs
from fashion.records.run import Runs
from fashion.records.statistics import prediction_interval
from fashion.study.definition import Study, resolve
from fashion.study.outputs import summary
from helpers.checkout import CONFIG, REPORT
from helpers.figures import check_legible
from helpers.runs import FakeRun, make_history

PROTOCOL = REPORT.claims["protocols"]["as_published"]


@pytest.fixture(scope="module")
def study() -> Study:
    return resolve(CONFIG, "published")


def finished(study: Study, accuracies: dict[str, list[float]], **training) -> Runs:
    """A study's runs: as published `accuracies` of runs such as P13, and 2 points more on clean images."""
    runs = Runs(summary(study, REPORT), Path())
    for model, augmentation in runs.runs:
        of_run = accuracies.get(runs.reported(model, augmentation).get("run"), [0.9] * 3)
        runs.runs[model, augmentation] = [
            FakeRun(
                {**(spec := study.specs[model, augmentation, seed]), "training": spec["training"] | training},
                history=make_history(40 + seed),
                metrics={
                    "test_accuracy": accuracy + 0.02 * (augmentation == "both"),
                    "augmented_test_accuracy": accuracy,
                    "test_images": 10_000,
                },
            )
            for seed, accuracy in enumerate(of_run)
        ]
    return runs


def test_every_published_run_has_its_row_in_order(study):
    table = repeats(finished(study, {}), PROTOCOL)
    assert list(table["run"]) == [f"P{number}" for number in range(1, 16)]
    assert list(table["tested_on"]) == ["clean"] * 3 + ["RandAugmented"] * 6 + ["clean"] * 3 + ["RandAugmented"] * 3


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        # The published 0.9178; three seeds of standard deviation 0.001 predict their mean plus or minus 0.0050.
        ([0.9130, 0.9140, 0.9150], "repeats"),
        ([0.9110, 0.9120, 0.9130], "does not repeat"),
        ([0.9210, 0.9220, 0.9230], "repeats"),
        ([0.9230, 0.9240, 0.9250], "does not repeat"),
        ([0.9177, 0.9179], "undecided"),
        ([0.9178], "undecided"),
    ],
)
def test_a_number_repeats_where_one_more_seed_would_lie(study, accuracies, verdict):
    row = repeats(finished(study, {"P13": accuracies}), PROTOCOL).set_index("run").loc["P13"]
    assert row["verdict"] == verdict
    assert pd.isna(row["low"]) == pd.isna(row["high"]) == (verdict == "undecided")
    assert row["accuracy"] == pytest.approx(np.mean(accuracies))
    # Never the clean one beside a number of augmented images.
    assert row["clean_accuracy"] == pytest.approx(np.mean(accuracies) + 0.02)


@pytest.mark.parametrize(
    ("training", "why"),
    [
        ({"train_images": 2000}, "train_images 2000, not 60000"),
        ({"validation": "clean"}, "validation clean, not augmented"),
        ({"tested_weights": "best"}, "tested_weights best, not last"),
    ],
)
def test_another_protocol_decides_nothing_and_is_named(study, training, why):
    table = repeats(finished(study, {}, **training), PROTOCOL)
    assert (table["verdict"] == "undecided").all()
    assert (table["why_undecided"] == why).all()


def test_a_study_without_published_networks_repeats_nothing():
    assert repeats(finished(resolve(CONFIG, "report"), {}), PROTOCOL).empty


def test_the_prediction_interval_holds_the_next_value_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(size=(4000, 6))
    inside = [low <= row[-1] <= high for row in draws for low, high in [prediction_interval(row[:-1])]]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.01)


def test_the_table_and_the_figure_are_for_a_reader(study, tmp_path):
    table = repeats(finished(study, {"P13": [0.9168, 0.9178, 0.9188], "P1": [0.87]}), PROTOCOL)
    shown = readable(table).set_index("run")
    assert shown["ours"]["P13"] == "91.78 ± 0.10 %"
    assert shown["ours, clean images"]["P13"] == "93.78 ± 0.10 %"
    assert shown["epochs (published)"]["P13"] == "41.0 (49)"
    assert (shown["ours"]["P1"], shown["one more seed (95 %)"]["P1"]) == ("87.00 %", "")
    table = table[table["run"] != "P2"]
    planned = [("P1", "ViT", "none", 0.8704), ("P2", "simplified ViT", "none", 0.88), ("P13", "VGG8", "both", 0.9178)]
    drawn = published_runs.plot(table, planned)
    check_legible(drawn, tmp_path)
    names = [label.get_text().replace("\n", ", ") for label in drawn.axes[0].get_yticklabels()]
    assert names == ["P1  ViT, none, 1 seed", "P2  simplified ViT, none, not run", "P13  VGG8, both, 3 seeds"]
    # At the right, ours minus published in points.
    assert [text.get_text() for text in drawn.axes[0].texts] == ["−0.04", "+0.00"]
