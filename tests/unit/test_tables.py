"""Tables over runs: numbers that can be counted by hand."""

import math
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fashion.errors import UserError
from fashion.image import CLASSES
from fashion.records.confidence import reliability
from fashion.records.predictions import Predictions
from fashion.records.run import Run, groups_of, predictions_of_groups
from fashion.records.statistics import contrast
from fashion.study.kinds import TABLE_KINDS
from fashion.tables import ablation, calibration, comparison, factorial, per_class
from fashion.tables.hyperparameters import hyperparameters
from helpers.command import stage
from helpers.runs import FakeRun, predict
from helpers.specs import make_spec
from helpers.training import write_dataset

# Of two trousers (class 1) one is taken for a dress (3), of three dresses one for a trouser; a bag (8) is found.
FIRST = predict((1, 1, 0.9), (1, 3, 0.9), (3, 3, 0.9), (3, 3, 0.9), (3, 1, 0.9), (8, 8, 0.9))
# Another seed: all trousers.
SECOND = predict(*((label, 1, 0.5) for label in FIRST.labels))
NAMES = [f"digit {label}" for label in range(10)]


def test_precision_recall_and_f1_are_those_of_each_class() -> None:
    table = per_class.per_class([("vit", "both", [FIRST])]).set_index("class")
    assert list(table.index) == list(CLASSES)
    assert table["test_images"].tolist() == [0, 2, 0, 3, 0, 0, 0, 0, 1, 0]
    scores = table[["precision", "recall", "f1"]]
    assert scores.loc["Trouser"].tolist() == [1 / 2, 1 / 2, 1 / 2]
    assert scores.loc["Dress"].tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3])
    assert scores.loc["Bag"].tolist() == [1, 1, 1]
    assert (scores.drop(["Trouser", "Dress", "Bag"]) == 0).all(axis=None)


def make_tables(folder: Path, dataset, *names: str, **settings: dict) -> subprocess.CompletedProcess:
    """Run the stage on two seeds of one model, for tables that are named after their kind."""
    runs = [FakeRun(make_spec(seed=seed), folder / "runs", right=right) for seed, right in ((0, FIRST), (1, SECOND))]
    for run in runs:
        run.write()
    outputs = {name: {"kind": name, **settings.get(name, {})} for name in names}
    summary = {
        "order": ["small"],
        "titles": {"small": "Small"},
        "augmentation_titles": {},
        "models": {"small": {"augmentations": {"none": [0, 1]}, "reported": {}}},
        "accuracy_goals": [0.9],
    }
    plan = {"note": "a note", "classes": NAMES, "outputs": outputs, "summary": summary}
    data = write_dataset(folder / "data.npz", dataset)
    return stage("tables.make", plan, "--runs", folder / "runs", "--data", data, "--output", folder / "tables")


def test_the_stage_makes_every_table_that_is_not_the_answers(dataset, tmp_path) -> None:
    names = [name for name, kind in TABLE_KINDS.items() if kind.job == "tables"]
    settings = {"operations": {"magnitudes": [9]}, "hyperparameters": {"rows": [["epochs", 3, []]]}}
    settings["factorial"] = {"cells": [[one, other, "small", "none"] for one in ("A", "B") for other in ("a", "b")]}
    done = make_tables(tmp_path, dataset, *names, **settings)
    assert (done.returncode, done.stderr) == (0, "")
    written = {path.name for path in (tmp_path / "tables").iterdir()}
    assert written == {f"{name}.{suffix}" for name in names for suffix in ("csv", "md")}
    for name in names:
        text = (tmp_path / f"tables/{name}.md").read_text()
        assert text.startswith("|")
        assert text.endswith("|\n\n*a note*\n")
    read = {name: pd.read_csv(tmp_path / f"tables/{name}.csv") for name in names}
    assert read["classes"]["class"].tolist() == read["per_class"]["class"].tolist() == NAMES
    assert read["classes"]["train_images"].tolist() == [20] * 10
    assert read["comparison"].loc[0, ["model", "augmentation", "seeds"]].tolist() == ["small", "none", 2]
    assert read["comparison"].loc[0, "test_accuracy"] == pytest.approx((4 / 6 + 2 / 6) / 2)
    assert read["compute"]["model"].tolist() == ["small", "small", "all"]
    assert read["hyperparameters"].loc[0].tolist()[:2] == ["epochs", 3]
    assert "at magnitude 9" in read["operations"]


def test_a_table_of_an_unknown_kind_is_no_empty_one(dataset, tmp_path) -> None:
    done = make_tables(tmp_path, dataset, "claims")
    assert done.returncode == 1
    assert done.stderr.endswith("ValueError: no table of the kind claims\n")


def test_a_setting_that_only_a_model_has_is_a_row_without_a_common_value() -> None:
    others = [("cosine", ["ViT", "depthwise ViT"]), ("one_cycle", ["VGG8"])]
    table = hyperparameters([("epochs", 100, [("5", ["VGG8"])]), ("patience", 5, []), ("schedule", "", others)])
    assert table.to_dict("split")["data"] == [
        ["epochs", 100, "5 for VGG8"],
        ["patience", 5, ""],
        ["schedule", "", "cosine for ViT, depthwise ViT; one_cycle for VGG8"],
    ]


def test_scores_of_a_class_are_means_over_the_seeds() -> None:
    table = per_class.per_class([("vit", "none", [FIRST]), ("vit", "both", [FIRST, SECOND])])
    trouser = table[(table["class"] == "Trouser") & (table["augmentation"] == "both")].iloc[0]
    # The second seed: precision 2 / 6, recall 1, F1 1 / 2.
    assert (trouser["seeds"], trouser["test_images"]) == (2, 2)
    assert trouser[["precision", "recall", "f1"]].tolist() == pytest.approx([5 / 12, 3 / 4, 1 / 2])
    shown = per_class.readable(table).iloc[11]
    assert shown[["class", "precision", "recall", "f1"]].tolist() == ["Trouser", "41.7 %", "75.0 %", "50.0 %"]


def test_the_calibration_error_is_the_gap_of_each_bin_weighted_by_its_images() -> None:
    # Bins of 1/15: 0.90 and 0.92 are in (13/15, 14/15], one of two right; 0.50 is in (7/15, 8/15], right.
    predictions = predict((0, 0, 0.90), (0, 1, 0.92), (2, 2, 0.50))
    bins = reliability(predictions)
    assert np.flatnonzero(bins.share).tolist() == [7, 13]
    assert bins.share[[7, 13]].tolist() == [1 / 3, 2 / 3]
    assert bins.accuracy[[7, 13]].tolist() == [1, 1 / 2]
    assert bins.confidence[[7, 13]] == pytest.approx([0.50, 0.91])
    assert np.isnan(bins.accuracy[[0, 8, 14]]).all()
    assert bins.ece == pytest.approx(1 / 3 * 0.50 + 2 / 3 * 0.41)


def test_a_bin_holds_its_upper_edge_and_the_last_one_certainty() -> None:
    logits = np.full((2, 10), -np.inf, np.float32)
    logits[0, 0] = 0  # certain
    logits[1, :5] = 0  # 1/5 = 3/15
    bins = reliability(Predictions(logits=logits, labels=np.array([0, 0])))
    assert np.flatnonzero(bins.share).tolist() == [2, 14]


def diverged(labels: np.ndarray) -> Predictions:
    """What a model whose weights are no numbers predicts: the first class, of each image."""
    return Predictions(logits=np.full((len(labels), 10), np.nan, np.float32), labels=labels)


def test_where_one_seed_diverged_accuracy_counts_and_confidence_is_no_number() -> None:
    labels = np.array([0, 1, 2, 3])
    whole = predict(*((label, label, 0.9) for label in labels))
    group = ("vit", "both", [whole, diverged(labels)])
    row = calibration.calibration([group]).iloc[0]
    assert row["accuracy"] == (1 + 1 / 4) / 2
    assert row[["ece", "mean_confidence", "negative_log_likelihood"]].isna().all()
    shown = calibration.readable(calibration.calibration([group])).iloc[0]
    assert shown["ECE, 15 bins"] == shown["mean confidence"] == shown["negative log likelihood"] == "diverged"
    assert shown["accuracy"] == "62.50 ± 53.03 %"
    assert ablation.ablation([group]).loc[0, "test_accuracy_both"] == 0.625
    scores = per_class.per_class([("vit", "both", [diverged(labels)])]).set_index("class")
    assert scores.loc["T-Shirt/Top", ["precision", "recall"]].tolist() == [0.25, 1]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_image_without_a_confidence_is_in_no_bin(value: float) -> None:
    known = predict((0, 0, 0.9))
    logits = np.concatenate([known.logits, np.full((1, 10), value, np.float32)])
    bins = reliability(Predictions(logits=logits, labels=np.array([0, 0])))
    assert np.flatnonzero(bins.share).tolist() == [13]
    assert bins.share[13] == 1 / 2
    assert np.isnan(bins.ece)


def test_calibration_has_means_and_deviations_over_the_seeds() -> None:
    sure, unsure = predict((0, 0, 0.8), (1, 0, 0.8)), predict((0, 0, 0.4), (1, 1, 0.4))
    table = calibration.calibration([("vit", "both", [sure, unsure]), ("vit", "none", [sure])])
    both, none = (row for _, row in table.iterrows())
    assert (both["seeds"], both["test_images"], both["bins"]) == (2, 2, 15)
    assert (none["ece"], both["ece"]) == pytest.approx((0.3, (0.3 + 0.6) / 2))
    assert both["ece_std"] == pytest.approx(0.3 / math.sqrt(2))
    assert (both["mean_confidence"], both["accuracy"]) == pytest.approx((0.6, 0.75))
    # Of the wrong one, the nine other classes share what is left.
    assert none["negative_log_likelihood"] == pytest.approx(-(math.log(0.8) + math.log(0.2 / 9)) / 2)
    assert math.isnan(none["ece_std"])
    shown = calibration.readable(table)
    assert shown["ECE, 15 bins"].tolist() == ["45.00 ± 21.21 %", "30.00 %"]


def test_the_ablation_compares_each_augmentation_with_none() -> None:
    right, half = predict((0, 0, 0.9), (1, 1, 0.9)), predict((0, 0, 0.9), (1, 2, 0.9))
    groups = [
        ("vgg8", "none", [half, half]),
        ("vgg8", "mixup", [half, right]),
        ("vgg8", "both", [right, right]),
        ("vit", "none", [right]),
        ("vit", "both", [half]),
    ]
    table = ablation.ablation(groups).set_index("model")
    one, other = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [1.0, 1.0]])
    mixup, both = (contrast((1, right), (-1, one)).interval() for right in (other, np.ones((2, 2))))
    assert table.loc["vgg8"].to_dict() == {
        "seeds": 2,
        "test_images": 2,
        "test_accuracy_none": 0.5,
        "test_accuracy_mixup": 0.75,
        "test_accuracy_both": 1.0,
        "difference_mixup": 0.25,
        "difference_mixup_low": mixup[0],
        "difference_mixup_high": mixup[1],
        "difference_both": 0.5,
        "difference_both_low": both[0],
        "difference_both_high": both[1],
    }
    assert table.loc["vit", "difference_both"] == -0.5
    assert np.isnan(table.loc["vit", ["test_accuracy_mixup", "difference_mixup"]].astype(float)).all()
    shown = ablation.readable(table.reset_index(), {"mixup": "MixUp"}).set_index("model")
    assert shown["test accuracy, MixUp"].tolist() == ["75.00 %", ""]
    assert shown["MixUp − none (points)"].tolist() == [f"+25.00 ({100 * mixup[0]:+.2f} to {100 * mixup[1]:+.2f})", ""]


# The correctness of four test images by the seeds of four cells.
CELLS = {
    ("A", "a"): [[1, 0, 0, 0], [1, 1, 0, 0]],
    ("A", "b"): [[1, 1, 0, 0], [1, 1, 0, 0]],
    ("B", "a"): [[1, 1, 0, 1], [1, 1, 0, 1]],
    ("B", "b"): [[1, 1, 1, 1]],
}


def test_a_factorial_has_each_cell_and_the_effects_of_network_training_and_both() -> None:
    runs = {cell: [FakeRun(make_spec(), right=np.array(right)) for right in seeds] for cell, seeds in CELLS.items()}
    table = factorial.factorial(runs, [(*cell, *cell) for cell in CELLS])
    assert table[["measure", "of", "value", "seeds"]].to_numpy().tolist() == [
        ["test accuracy", "A, a", 0.375, "2"],
        ["test accuracy", "A, b", 0.5, "2"],
        ["test accuracy", "B, a", 0.75, "2"],
        ["test accuracy", "B, b", 1.0, "1"],
        ["B − A", "a", 0.375, "2 + 2"],
        ["B − A", "b", 0.5, "1 + 2"],
        ["b − a", "A", 0.125, "2 + 2"],
        ["b − a", "B", 0.25, "1 + 2"],
        ["both", "", 0.625, "1 + 2"],
        ["interaction", "", 0.125, "1 + 2 + 2 + 2"],
    ]
    assert set(table["test_images"]) == {4}
    right = {cell: np.array(seeds, dtype=float) for cell, seeds in CELLS.items()}
    # An accuracy's interval ends at 0 and 1.
    for row, sides, least in ((0, [(1, right["A", "a"])], 0), (4, [(1, right["B", "a"]), (-1, right["A", "a"])], -1)):
        expected = np.clip(contrast(*sides).interval(), least, 1)
        assert table.loc[row, ["low", "high"]].tolist() == pytest.approx(expected)
    shown = factorial.readable(table).iloc[6]
    assert shown["value"] == "+12.50 points"


def test_an_ablation_without_none_has_no_differences() -> None:
    table = ablation.ablation([("vit", "both", [FIRST])])
    assert list(table) == ["model", "seeds", "test_images", "test_accuracy_both"]
    assert ablation.readable(table, {}).loc[0].tolist() == ["vit", 1, "6", "66.67 %"]


def compared(**columns: list) -> pd.DataFrame:
    """A comparison of two models; a measured column that is not given has the same value twice."""
    names = ["test_accuracy", "test_accuracy_low", "test_accuracy_high", "flops_per_image", "images_per_second"]
    measured = [*names, *comparison.REPORTED]
    table = pd.DataFrame({"model": ["a", "b"], "augmentation": "both", "seeds": 1})
    table = table.assign(diverged=0, test_images=1000, timed="")
    reported = {f"reported_{name}": [None, 1.0] for name in comparison.REPORTED}
    return table.assign(**dict.fromkeys(measured, 1.0) | reported | columns)


def test_the_best_of_each_column_is_bold() -> None:
    table = compared(
        test_accuracy=[0.5, 0.9],
        parameters=[2e6, 1e6],
        flops_per_image=[1e6, 2e6],
        epochs=[3, 4],
        seconds=[5.0, 4.0],
        reported_test_accuracy=[0.95, None],
    )
    first, second = (row for _, row in comparison.readable(table).iterrows())
    assert first["test accuracy (reported)"] == "50.00 % (95.00 %)"
    assert second["test accuracy (reported)"] == "**90.00 %**"
    assert (first["parameters (reported)"], second["parameters (reported)"]) == ("2,000,000", "**1,000,000** (1)")
    assert (first["MFLOP per image"], second["MFLOP per image"]) == ("**1.0**", "2.0")
    assert (first["epochs (reported)"], second["epochs (reported)"]) == ("3", "4 (1)")
    assert (first["seconds (reported)"], second["seconds (reported)"]) == ("5.0", "**4.0** (1.0)")


def test_the_comparison_says_how_many_seeds_diverged() -> None:
    assert comparison.readable(compared(diverged=[0, 1]))["seeds"].tolist() == ["1", "1 (1 diverged)"]


def test_no_time_that_decides_nothing_is_the_best() -> None:
    times = {"seconds": [5.0, 4.0], "seconds_per_epoch": [2.0, 2.0]}
    table = comparison.readable(compared(**times, timed=["", "timed on a busy machine"]))
    assert table["seconds (reported)"].tolist() == ["**5.0**", "4.0 (1.0)"]
    assert table["seconds per epoch (reported)"].tolist() == ["**2.00**", "2.00 (1.00)"]
    assert table["times"].tolist() == ["", "timed on a busy machine"]
    of_none = comparison.readable(compared(**times, timed="timed on a busy machine"))
    assert of_none["seconds (reported)"].tolist() == ["5.0", "4.0 (1.0)"]


def test_what_reads_the_same_as_the_best_is_bold_too() -> None:
    table = comparison.readable(compared(test_accuracy=[0.90001, 0.90003]))
    assert table["test accuracy (reported)"].tolist() == ["**90.00 %**", "**90.00 %** (100.00 %)"]


def test_predictions_are_read_by_model_augmentation_and_seed(tmp_path: Path) -> None:
    for seed, predictions in ((0, FIRST), (3, SECOND)):
        FakeRun(make_spec(name="vit", seed=seed), tmp_path, right=predictions).write("predictions.npz")
    ((model, augmentation, seeds),) = predictions_of_groups(groups_of(tmp_path, [("vit", "none", [3, 0])]))
    assert (model, augmentation) == ("vit", "none")
    for read, written in zip(seeds, (SECOND, FIRST), strict=True):
        np.testing.assert_array_equal(read.logits, written.logits)
        np.testing.assert_array_equal(read.labels, written.labels)


@pytest.mark.parametrize("content", [None, b"", b"no archive"])
def test_missing_or_damaged_predictions_are_refused_by_name(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "predictions.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"predictions\.npz has no usable predictions"):
        _ = Run(tmp_path).predictions
