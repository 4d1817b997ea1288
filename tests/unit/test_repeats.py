"""Published numbers beside ours: which agree, on fabricated runs on both sides of the interval."""

from pathlib import Path

import numpy as np
import pytest

from fashion.answer.repeats import readable, repeats
from fashion.figures import published_runs
from fashion.records.run import Runs
from fashion.records.statistics import prediction
from fashion.study.definition import Study, resolve
from fashion.study.summary import summary
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
        # The published 0.9178; three seeds of standard deviation 0.001 predict their mean plus or minus 0.0105.
        ([0.9070, 0.9080, 0.9090], "agrees"),
        ([0.9055, 0.9065, 0.9075], "does not agree"),
        ([0.9265, 0.9275, 0.9285], "agrees"),
        ([0.9280, 0.9290, 0.9300], "does not agree"),
        ([0.9177, 0.9179], "open"),
        ([0.9178], "open"),
    ],
)
def test_a_number_agrees_where_one_more_seed_would_lie(study, accuracies, verdict):
    row = repeats(finished(study, {"P13": accuracies}), PROTOCOL).set_index("run").loc["P13"]
    assert row["verdict"] == verdict
    assert row["low"] < row["accuracy"] < row["high"]
    assert row["noticed"] > row["high"] - row["accuracy"]
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
    assert (table["verdict"] == "open").all()
    assert (table["why_open"] == why).all()


def test_a_study_without_published_networks_repeats_nothing():
    assert repeats(finished(resolve(CONFIG, "report"), {}), PROTOCOL).empty


def test_what_was_measured_on_clean_images_only_is_open_and_says_so(study):
    runs = finished(study, {"P10": [0.913] * 3})
    for ones in runs.runs.values():
        for run in ones:
            del run.metrics["augmented_test_accuracy"]
    table = repeats(runs, PROTOCOL).set_index("run")
    assert (table["verdict"]["P13"], table["verdict"]["P10"]) == ("open", "agrees")
    assert table["why_open"]["P13"] == "measured on clean test images only"
    assert readable(table.reset_index()).set_index("run")["ours"]["P13"] == ""


def test_the_prediction_interval_holds_the_next_value_as_often_as_it_says():
    draws = 0.9 + 0.0045 * np.random.default_rng(0).normal(size=(4000, 4))
    inside = [low <= row[-1] <= high for row in draws for low, high, _ in [prediction(row[:-1], 0.8)]]
    assert np.mean(inside) == pytest.approx(0.97, abs=0.015)


def test_the_table_and_the_figure_are_for_a_reader(study, tmp_path):
    table = repeats(finished(study, {"P13": [0.9168, 0.9178, 0.9188], "P1": [0.87]}), PROTOCOL)
    shown = readable(table).set_index("run")
    assert shown["ours"]["P13"] == "91.78 ± 0.10 %"
    assert shown["ours, clean images"]["P13"] == "93.78 ± 0.10 %"
    assert shown["epochs (published)"]["P13"] == "41.0 (49)"
    assert (shown["ours"]["P1"], shown["verdict"]["P1"]) == ("87.00 %", "open: 1 of at least 3 seeds")
    table = table[table["run"] != "P2"]
    planned = [("P1", "ViT", "none", 0.8704), ("P2", "simplified ViT", "none", 0.88), ("P13", "VGG8", "both", 0.9178)]
    drawn = published_runs.plot(table, planned)
    check_legible(drawn, tmp_path)
    names = [label.get_text().replace("\n", ", ") for label in drawn.axes[0].get_yticklabels()]
    assert names == ["P1  ViT, none, 1 seed", "P2  simplified ViT, none, not run", "P13  VGG8, both, 3 seeds"]
    # At the right, ours minus published in points.
    assert [text.get_text() for text in drawn.axes[0].texts] == ["−0.04", "+0.00"]
