"""Figures that set all models side by side show the numbers that they are made from, legibly for thirteen of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fabricated import check_legible, predict, stage, write_predictions
from matplotlib.figure import Figure

from fashion.dataset import CLASSES
from fashion.figures import confusion, mistakes, mosaic, reliability
from fashion.predictions import Predictions

# As many as the report has, with names as long as its longest.
NAMES = [f"resnet18_dilate{letter}" for letter in "abcdefghijklm"]


def random_predictions(seed: int, count: int = 300) -> Predictions:
    draws = np.random.default_rng(seed)
    labels = draws.integers(0, 10, count)
    return Predictions(
        logits=(draws.normal(size=(count, 10)) + 2 * np.eye(10)[labels]).astype(np.float32), labels=labels
    )


@pytest.fixture(scope="module")
def groups() -> list[tuple[str, str, list[Predictions]]]:
    """Three seeds of thirteen models; the last is certain of one class."""
    seeds = [random_predictions(seed, 10_000) for seed in range(3)]
    return [
        *((name, "randaugment", seeds) for name in NAMES[:-1]),
        (NAMES[-1], "both", [predict(*((label, 1, 1 - 1e-9) for label in range(10)))]),
    ]


IMAGES = np.zeros((10_000, 28, 28), np.uint8)
PLOTS: dict[str, Callable[[list], Figure]] = {
    "confusion": confusion.plot,
    "reliability": reliability.plot,
    "mistakes": lambda groups: mistakes.plot(IMAGES, groups),
}


@pytest.mark.parametrize("name", PLOTS)
def test_figures_of_predictions_are_legible(name: str, groups: list, tmp_path: Path) -> None:
    check_legible(PLOTS[name](groups), tmp_path)


def test_a_confusion_matrix_has_the_shares_of_each_true_class() -> None:
    # Of four trousers three are found and one is taken for a dress; both bags are taken for boots, by another seed.
    trousers = predict((1, 1, 0.9), (1, 1, 0.9), (1, 3, 0.9), (1, 1, 0.9))
    bags = predict((8, 9, 0.9), (8, 9, 0.9))
    shares = confusion.confusion([trousers, bags])
    expected = np.zeros((10, 10))
    expected[1, 1], expected[1, 3], expected[8, 9] = 75, 25, 100
    np.testing.assert_array_equal(shares, expected)
    figure = confusion.plot([("vit", "both", [trousers, bags])])
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.images[0].get_array(), expected)
    cells = {text.get_text(): text.get_position() for text in axes.texts}
    assert cells == {"75": (1, 1), "25": (3, 1), "100": (9, 8)}
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [f"{name} {label}" for label, name in enumerate(CLASSES)]
    assert axes.get_title() == "vit\nboth, n = 2 × 4"


def test_a_reliability_diagram_has_each_bins_accuracy_and_images() -> None:
    # Bins of 1/15: the eighth holds 0.50, the fourteenth 0.90 and 0.92.
    first = predict((0, 0, 0.90), (0, 1, 0.92), (2, 2, 0.50), (2, 2, 0.50))
    second = predict(*[(0, 0, 0.50)] * 4)
    (axes,) = reliability.plot([("vit", "both", [first, second])]).axes
    diagonal, *lines = axes.lines
    assert diagonal.get_slope() == 1
    np.testing.assert_allclose(lines[0].get_xydata(), [[50, 100], [91, 50]], rtol=1e-5)
    np.testing.assert_allclose(lines[1].get_xydata(), [[50, 100]], rtol=1e-5)
    heights = [bar.get_height() for bar in axes.patches]
    assert np.flatnonzero(heights).tolist() == [7, 13]
    assert (heights[7], heights[13]) == (75, 25)
    assert [bar.get_x() for bar in axes.patches] == pytest.approx(np.arange(15) * 100 / 15, abs=1e-9)
    # 0.5 × 0.5 + 0.5 × 0.41 and 0.5.
    assert [text.get_text() for text in axes.texts] == ["ECE 47.8%"]


def test_the_most_confident_mistakes_come_first() -> None:
    predictions = predict((1, 3, 0.5), (3, 3, 0.99), (9, 7, 0.8), (8, 8, 0.7), (0, 6, 0.9))
    assert mistakes.worst(predictions).tolist() == [4, 2, 0]
    images = np.arange(1, 6, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    (axes,) = mistakes.plot(images, [("vit", "both", [predictions])]).axes
    shown = axes.images[0].get_array()[14, 14 :: mosaic.SIDE + 2].tolist()
    assert shown == [5, 3, 1] + [mosaic.WHITE] * (mistakes.COLUMNS - 3)
    captions = [text.get_text().strip() for text in axes.texts]
    assert captions[:4] == ["T-Shirt\n→ Shirt\n90.0%", "Boot\n→ Sneaker\n80.0%", "Trouser\n→ Dress\n50.0%", ""]
    assert axes.get_yticklabels()[0].get_text() == "vit\nboth\nwrong: 3\nof 5"


def test_of_many_mistakes_a_row_is_shown() -> None:
    predictions = random_predictions(0)
    worst = mistakes.worst(predictions)
    assert len(worst) == mistakes.COLUMNS
    others = np.setdiff1d(np.flatnonzero(~predictions.correct), worst)
    assert predictions.confidence[worst].min() >= predictions.confidence[others].max()


@pytest.mark.parametrize("module", ["confusion", "reliability"])
def test_a_stage_draws_the_models_that_it_is_given(module: str, tmp_path: Path) -> None:
    for model in ("vgg8", "vit"):
        for seed in (0, 1):
            write_predictions(tmp_path / f"{model}/both/seed{seed}", random_predictions(seed))
    outputs = [tmp_path / "figure.png", tmp_path / "figure.svg"]
    folders = [tmp_path / "vit/both", tmp_path / "vgg8/both"]
    ended = stage("-m", f"fashion.figures.{module}", "--runs", *folders, "--seeds", 0, 1, "--output", *outputs)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "<!-- vit -->" in outputs[1].read_text()
