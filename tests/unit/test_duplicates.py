"""Test images that are also training images, and what of the answer changes without them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fashion.answer.without import without
from fashion.data.dataset import Dataset
from fashion.data.duplicates import nearest_duplicates
from fashion.records.run import Runs
from fashion.tables.duplicates import duplicates, readable
from helpers.runs import FakeRun
from helpers.specs import make_spec


def with_twins(dataset: Dataset) -> Dataset:
    """The dataset with three test images of training images: one as it is, one a little brighter, one much brighter."""
    train, test = dataset.train_images // 2, dataset.test_images.copy()
    labels = dataset.test_labels.copy()
    for image, (twin, brighter) in {3: (7, 0), 5: (9, 4), 8: (11, 11)}.items():
        test[image] = train[twin] + brighter
        labels[image] = (dataset.train_labels[twin] + (image == 5)) % 10
    return replace(dataset, train_images=train, test_images=test, test_labels=labels)


def test_the_nearest_training_image_of_each_test_image_is_found_if_it_is_near(dataset):
    assert nearest_duplicates(with_twins(dataset)) == [(3, 7, 0.0), (5, 9, 4.0)]
    assert nearest_duplicates(with_twins(dataset), bound=11) == [(3, 7, 0.0), (5, 9, 4.0), (8, 11, 11.0)]
    assert nearest_duplicates(dataset) == []


def test_no_near_pair_is_missed_that_a_search_of_all_pairs_finds(dataset):
    train, test = (
        images.reshape(len(images), -1).astype(float) for images in (dataset.train_images, dataset.test_images)
    )
    differences = np.sqrt(((test[:, None] - train) ** 2).mean(axis=2))
    bound = float(np.quantile(differences.min(axis=1), 0.3))
    found = nearest_duplicates(dataset, bound)
    assert sorted(image for image, _, _ in found) == np.flatnonzero(differences.min(axis=1) <= bound).tolist()
    for image, twin, difference in found:
        assert twin == differences[image].argmin()
        assert difference == pytest.approx(differences[image].min())
    assert [difference for *_, difference in found] == sorted(difference for *_, difference in found)


def test_the_table_counts_them_by_their_difference_and_label(dataset):
    table = duplicates(with_twins(dataset))
    assert table[["test_image", "train_image", "difference"]].to_numpy().tolist() == [[3, 7, 0], [5, 9, 4]]
    shown = readable(table).to_numpy().tolist()
    assert shown == [
        ["none", 1, 1, "3 (7)"],
        ["at most 5", 2, 1, "3 (7), 5 (9)"],
        ["at most 10", 2, 1, "3 (7), 5 (9)"],
    ]
    assert readable(duplicates(dataset))["test images"].tolist() == [0, 0, 0]


# A run is right on the first two of four test images.
RIGHT = np.array([True, True, False, False])


def verdicts(runs: Runs) -> dict[str, pd.DataFrame]:
    """A claim that holds of runs that are right on half of the images, and another one of all runs."""
    run = runs["small", "both"][0]
    half = run.correct.mean() == run.metrics["test_accuracy"] == 0.5
    claims = pd.DataFrame({"id": ["C1", "C2"], "verdict": ["holds" if half else "fails", "holds"]})
    repeats = pd.DataFrame(
        {"run": ["P1"], "verdict": ["repeats" if run.correct_of("augmented_").any() else "does not"]}
    )
    return {"claims": claims, "repeats": repeats}


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([], ["0", "+0.00 points", "none of 2", "none of 1"]),
        ([0, 2], ["2", "+0.00 points", "none of 2", "none of 1"]),
        ([2, 9], ["2", "+16.67 points", "C1 of 2", "none of 1"]),  # the run was not tested on the tenth
        ([0, 1], ["2", "-50.00 points", "C1 of 2", "P1 of 1"]),
    ],
)
def test_what_changes_without_them_is_named(images, expected):
    runs = Runs({"order": [], "models": {}}, Path())
    runs.runs = {("small", "both"): [FakeRun(make_spec(), right=RIGHT, augmented=RIGHT)]}
    near = pd.DataFrame({"test_image": images})
    table = without(near, runs, verdicts(runs), verdicts)
    assert table["value"].tolist() == expected


def test_a_study_without_published_runs_has_none_that_could_change():
    runs = Runs({"order": [], "models": {}}, Path())
    runs.runs = {("small", "both"): [FakeRun(make_spec(), right=RIGHT, augmented=RIGHT)]}
    nothing = {**verdicts(runs), "repeats": pd.DataFrame()}
    table = without(pd.DataFrame({"test_image": []}), runs, nothing, verdicts)
    assert table["value"].tolist() == ["0", "+0.00 points", "none of 2", "none of 0"]
