"""Figures that set all models side by side show the numbers that they are made from, legibly for 28 of them."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from fashion.figures import (
    all_curves,
    confusion,
    effects,
    gradients,
    mistakes,
    reliability,
    time_to_accuracy,
    tradeoff,
)
from fashion.figures.parts import mosaic, names
from fashion.figures.parts.mosaic import short
from fashion.image import CLASSES
from fashion.records.predictions import Predictions
from fashion.records.run import Run, gradient_norms
from fashion.study.kinds import FIGURE_KINDS
from helpers.command import stage
from helpers.figures import check_legible, svg_texts, texts
from helpers.runs import FakeRun, by_model, fake_run, predict
from helpers.specs import BOTH, make_spec
from helpers.training import write_dataset

# As many as the configuration has, with names as long as its longest.
NAMES = [f"published_vit_depthwise_5x8_min_delta_{number:02}" for number in range(28)]


def random_predictions(seed: int, count: int = 300) -> Predictions:
    draws = np.random.default_rng(seed)
    labels = draws.integers(0, 10, count)
    return Predictions(
        logits=(draws.normal(size=(count, 10)) + 2 * np.eye(10)[labels]).astype(np.float32), labels=labels
    )


@pytest.fixture(scope="module")
def groups() -> list[tuple[str, str, list[Predictions]]]:
    """Three seeds of each model; the last is certain of one class."""
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
    figure = PLOTS[name](groups)
    check_legible(figure, tmp_path)
    assert_titles_apart(figure)


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
    assert labels == [f"{name} {label}" for label, name in enumerate(map(mosaic.short, CLASSES))]
    assert axes.get_title() == "vit\nboth, n = 2 × 4"


def test_a_confusion_has_the_names_of_other_classes() -> None:
    (axes,) = confusion.plot(
        [("vit", "both", [predict((1, 1, 0.9))])], [f"class {label}" for label in "abcdefghij"]
    ).axes
    assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["a 0", "b 1"]


def test_a_share_that_rounds_to_0_is_left_blank() -> None:
    (axes,) = confusion.plot([("vit", "both", [predict(*[(0, 0, 0.9)] * 199, (0, 6, 0.9))])]).axes
    assert [text.get_text() for text in axes.texts] == ["100"]


def test_every_row_of_confusion_matrices_names_the_classes_and_numbers_stay_in_their_cells(groups: list) -> None:
    figure = confusion.plot(groups[-4:])
    figure.draw_without_rendering()
    for place, axes in enumerate(figure.axes):
        under = axes if place == 0 else axes.child_axes[0]
        labels = [label.get_text() for label in under.get_xticklabels() if label.get_visible()]
        # The last panel of each column has the names too.
        named = [f"{short(name)} {label}" for label, name in enumerate(CLASSES)]
        assert labels == (named if place else list("0123456789"))
        width = axes.bbox.width / len(CLASSES)
        assert all(text.get_window_extent().width <= width for text in axes.texts)
    assert "100" in texts(figure)


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
    centres = [bar.get_x() + bar.get_width() / 2 for bar in axes.patches]
    assert centres == pytest.approx((np.arange(15) + 0.5) * 100 / 15)
    # 0.5 × 0.5 + 0.5 × 0.41 and 0.5.
    assert axes.get_title() == "vit\nboth, n = 2 × 4\nECE 47.8 %"


def test_what_a_diverged_model_predicts_is_drawn_as_far_as_it_is_a_number(tmp_path: Path) -> None:
    labels = np.arange(10)
    lost = Predictions(logits=np.full((10, 10), np.nan, np.float32), labels=labels)
    whole = predict(*((label, label, 0.9) for label in labels))
    groups = [("vit", "both", [lost]), ("vgg8", "both", [whole, lost]), ("vgg12", "both", [lost])]
    for plot in PLOTS.values():
        check_legible(plot(groups), tmp_path)
    first, second, third = reliability.plot(groups).axes
    assert {axes.get_title().splitlines()[-1] for axes in (first, second, third)} == {"diverged"}
    assert [bar.get_height() for bar in first.patches] == [0] * 15
    assert confusion.confusion([lost])[:, 0].tolist() == [100] * 10
    (axes,) = mistakes.plot(IMAGES, groups[:1]).axes
    assert axes.texts[0].get_text() == "Trouser\n→ T-Shirt\ndiverged"


def test_histories_that_end_in_divergence_are_drawn(tmp_path: Path) -> None:
    runs = [
        fake_run(model, losses=epochs, layers=3, seed=seed).diverge()
        for model, seed, epochs in (("vgg8", 0, 5), ("vgg8", 1, 1), ("vit", 0, 1))
    ]
    for run in runs:
        run.history.loc[run.history.index[-1], gradient_norms(run.history).columns] = np.nan
    for plot in (time_to_accuracy.plot, all_curves.plot, gradients.plot):
        check_legible(plot(by_model(runs)), tmp_path)
    assert "diverged" in texts(all_curves.plot(by_model(runs)))


def test_the_most_confident_mistakes_come_first() -> None:
    predictions = predict((1, 3, 0.5), (3, 3, 0.99), (9, 7, 0.8), (8, 8, 0.7), (0, 6, 0.9))
    assert mistakes.worst(predictions).tolist() == [4, 2, 0]
    images = np.arange(1, 6, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    (axes,) = mistakes.plot(images, [("vit", "both", [predictions])]).axes
    shown = axes.images[0].get_array()[14, 14 :: mosaic.SIDE + 2].tolist()
    assert shown == [5, 3, 1] + [None] * (mistakes.COLUMNS - 3)
    captions = [text.get_text().strip() for text in axes.texts]
    assert captions[:4] == ["T-Shirt\n→ Shirt\n90.0 %", "Boot\n→ Sneaker\n80.0 %", "Trouser\n→ Dress\n50.0 %", ""]
    assert axes.get_yticklabels()[0].get_text() == "vit\nboth\nwrong: 3 of 5"


def test_of_many_mistakes_a_row_is_shown() -> None:
    predictions = random_predictions(0)
    worst = mistakes.worst(predictions)
    assert len(worst) == mistakes.COLUMNS
    others = np.setdiff1d(np.flatnonzero(~predictions.correct), worst)
    assert predictions.confidence[worst].min() >= predictions.confidence[others].max()


@pytest.fixture(scope="module")
def runs() -> list[FakeRun]:
    """Two seeds of models of three families, one of them with a single epoch and without gradients."""
    return [
        fake_run(
            name, seed=seed, family=("vgg", "vit", "resnet")[number % 3], **({"layers": 9} if number else {"losses": 1})
        )
        for number, name in enumerate(NAMES)
        for seed in (0, 1)
    ]


def compared(accuracies: list[float]) -> pd.DataFrame:
    """Rows of a comparison: models of one size, every other with a reported accuracy."""
    accuracy = np.array(accuracies)
    return pd.DataFrame(
        {
            "model": NAMES[: len(accuracy)],
            "augmentation": "both",
            "seeds": 3,
            "test_images": 10_000,
            "parameters": 1e6,
            "flops_per_image": 1e9,
            "test_accuracy": accuracy,
            "test_accuracy_low": accuracy - 0.01,
            "test_accuracy_high": accuracy + 0.01,
            "reported_test_accuracy": np.where(np.arange(len(accuracy)) % 2, np.nan, 0.9),
        }
    )


FAMILIES = {name: "vgg" if name < NAMES[5] else "vit" for name in NAMES}


@pytest.mark.parametrize("plot", [time_to_accuracy.plot, all_curves.plot, gradients.plot])
def test_figures_of_histories_are_legible(plot: Callable[[list], Figure], runs: list, tmp_path: Path) -> None:
    figure = plot(by_model(runs))
    check_legible(figure, tmp_path)
    assert_titles_apart(figure)


@pytest.mark.parametrize("accuracies", [[0.9] * 28, [0.0] * 13 + [1.0] * 15], ids=["alike", "none and all"])
def test_the_trade_off_is_legible_and_no_name_hides_another(accuracies: list[float], tmp_path: Path) -> None:
    figure = tradeoff.plot(compared(accuracies), FAMILIES)
    check_legible(figure, tmp_path)
    assert_apart(figure.axes[0].get_yticklabels())


def test_names_beside_lines_do_not_hide_each_other(runs: list, tmp_path: Path) -> None:
    figure = time_to_accuracy.plot(by_model(runs))
    figure.draw_without_rendering()
    assert_apart(figure.axes[1].texts)


def assert_titles_apart(figure: Figure) -> None:
    boxes = [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def assert_apart(names: list[Text]) -> None:
    assert sorted(text.get_text() for text in names) == NAMES
    boxes = [text.get_window_extent() for text in names]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_names_are_as_near_to_their_place_as_the_gap_lets_them() -> None:
    # 0.50 and 0.52 share what they lack; 0.9 stays; 0.01 is in place already.
    placed = names.spread(np.array([0.52, 0.9, 0.50, 0.01]), 0.1, 0, 1)
    assert placed == pytest.approx([0.56, 0.9, 0.46, 0.01])
    assert names.spread(np.array([1.0, 1.0]), 0.1, 0, 1) == pytest.approx([0.9, 1.0])


def test_models_of_a_family_have_its_colour_in_every_study_and_a_line_of_their_own() -> None:
    looks = names.styles({"vit": "vit", "vgg8": "vgg", "vgg12": "vgg"})
    assert looks["vgg8"]["color"] == looks["vgg12"]["color"] != looks["vit"]["color"]
    assert looks["vgg8"]["linestyle"] != looks["vgg12"]["linestyle"]
    assert names.styles({"vit": "vit"})["vit"]["color"] == looks["vit"]["color"]


def test_every_family_has_a_colour(config: dict) -> None:
    assert {entry["family"] for entry in config["models"].values()} <= names.COLORS.keys()
    assert len(set(names.COLORS.values())) == len(names.COLORS)


def test_a_long_name_ends_its_lines_at_a_space_or_after_an_underscore() -> None:
    assert names.wrap_name("depthwise ViT of 5 layers, MLP ratio 6", 20) == "depthwise ViT of 5\nlayers, MLP ratio 6"
    assert names.wrap_name(NAMES[0], 28) == "published_vit_depthwise_5x8_\nmin_delta_00"
    assert names.wrap_name("vit_depthwise", 5) == "vit_\ndepthwise"
    assert names.wrap_name("vit", 28) == "vit"


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.86, 0.94, [86, 88, 89, 90, 91, 92, 93, 94]), (0.08, 0.93, [10, 20, 30, 50, 70, 80, 90])],
)
def test_the_scale_of_accuracies_has_round_ticks_that_find_room(low: float, high: float, ticks: list[int]) -> None:
    axes = Figure().subplots()
    axes.plot([low, high], [0, 1])
    names.logit_scale(axes, "x")
    axes.set_xlim(low, high)
    assert sorted(100 * np.array(axes.get_xticks())) == pytest.approx(ticks)


def test_the_trade_off_has_each_models_accuracy_interval_and_reported_number() -> None:
    table = compared([0.8, 0.95, 0.7]).assign(parameters=[1e5, 1e7, 1e6], flops_per_image=[1e8, 1e6, 1e7])
    figure = tradeoff.plot(table, FAMILIES)
    accuracy, *costs = figure.axes
    assert [label.get_text() for label in accuracy.get_yticklabels()] == [NAMES[1], NAMES[0], NAMES[2]]
    intervals = [[(middle + step, y) for step in (-0.01, 0, 0.01)] for y, middle in enumerate((0.95, 0.8, 0.7))]
    reported = [[(0.9, 1)], [(0.9, 2)]]
    drawn = [line.get_xydata().tolist() for line in accuracy.lines]
    expected = [intervals[0], intervals[1], reported[0], intervals[2], reported[1]]
    for line, points in zip(drawn, expected, strict=True):
        np.testing.assert_allclose(line, points)
    for axes, values in zip(costs, ([1e7, 1e5, 1e6], [1e6, 1e8, 1e7]), strict=True):
        assert [line.get_xydata().tolist() for line in axes.lines] == [[[cost, y]] for y, cost in enumerate(values)]
    least = [axes.patches[0].get_data().values.tolist() for axes in costs]
    assert least == [[1e7, 1e5, 1e5], [1e6, 1e6, 1e6]]
    assert "augmentation: both; n = 3 × 10,000 test images" in texts(figure)


def test_the_trade_off_says_which_augmentation_where_there_are_several() -> None:
    figure = tradeoff.plot(compared([0.8, 0.9]).assign(augmentation=["none", "both"]), FAMILIES)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        NAMES[1],
        f"{NAMES[0]}, none",
    ]


def test_time_to_accuracy_is_that_of_the_best_validation_so_far_over_the_seconds_so_far() -> None:
    trained = fake_run(losses=[0.5, 0.6, 0.4], seconds=[2, 3, 4], test_accuracy=[0.5, 0.9, 0.8])
    trained.provenance["other_processor_seconds"] = None
    axes = time_to_accuracy.plot(by_model([trained])).axes[0]
    (line,) = axes.lines
    assert axes.get_title() == "augmentation: both; 1 seed\ntimed beside a load that is not recorded"
    np.testing.assert_allclose(line.get_xydata(), [(2, 0.5), (5, 0.5), (9, 0.8)])


def test_all_curves_has_accuracy_over_loss_for_each_model() -> None:
    runs = [
        fake_run("vit", seed=seed, losses=2, train_loss=[value, 1], train_accuracy=[value, 0.2])
        for seed, value in enumerate((0.3, 0.4))
    ]
    accuracy, loss, *others = all_curves.plot(by_model(runs)).axes
    assert accuracy.get_title() == "vit\nboth, 2 seeds"
    assert not others
    shown = [
        [line.get_ydata().tolist() for line in axes.lines if line.get_label() == "training"]
        for axes in (accuracy, loss)
    ]
    assert shown == [[[30, 20], [40, 20]], [[0.3, 1], [0.4, 1]]]


# Of ten rows, a cell's and three effects; the last but one is as a file has it.
FACTORIAL = pd.DataFrame(
    {
        "measure": ["test accuracy", "recipe − protocol", "both", "interaction"],
        "of": ["the baseline's network, trained as published", "network", None, ""],
        "value": [0.93, 0.005, -0.01, 0],
        "low": [0.92, -0.001, -0.02, -0.01],
        "high": [0.94, 0.011, -0.002, 0.01],
        "seeds": ["5", "3 + 5", "3 + 5", "3 + 3 + 5 + 5"],
        "test_images": 10_000,
    }
)


def test_effects_are_drawn_below_accuracies_in_percent_and_below_effects_in_points(tmp_path: Path) -> None:
    figure = effects.plot(FACTORIAL)
    check_legible(figure, tmp_path)
    accuracy, effect = figure.axes
    drawn = [[line.get_xdata().tolist() for line in axes.lines if len(line.get_xdata()) == 3] for axes in figure.axes]
    of_effects = [pytest.approx(bars) for bars in ([-0.1, 0.5, 1.1], [-2, -1, -0.2], [-1, 0, 1])]
    assert drawn == [[pytest.approx([92, 93, 94])], of_effects]
    assert [label.get_text() for label in effect.get_yticklabels()] == [
        "recipe − protocol, network, n = 3 + 5",
        "both, n = 3 + 5",
        "interaction, n = 3 + 3 + 5 + 5",
    ]
    assert accuracy.get_xlabel() == "test accuracy (%), n = seeds × 10,000 test images"


def test_gradients_are_those_of_the_layers_in_order_for_each_epoch() -> None:
    columns = {"gradient_norm": [9, 9], "gradient_norm:b.weight": [1, 2], "gradient_norm:a.weight": [3, 0]}
    runs = [fake_run("vgg12", losses=2, **columns), fake_run("vit", losses=1)]
    first, second = gradients.plot(by_model(runs)).axes[:2]
    drawn = [line.get_xydata().tolist() for line in first.lines]
    assert drawn == [[[1, 1], [2, 3]], [[1, 2], [2, gradients.LEAST]]]
    assert first.lines[0].get_color() != first.lines[1].get_color()
    assert first.get_yscale() == "log"
    assert [text.get_text() for text in second.texts] == ["not recorded"]


def test_names_of_weights_are_read_as_they_are(tmp_path: Path) -> None:
    norms = gradient_norms(Run(fake_run(runs=tmp_path, layers=2).write()).history)
    assert list(norms) == ["gradient_norm:features.0.weight", "gradient_norm:features.1.weight"]
    assert norms.shape == (12, 2)


def test_the_stage_draws_every_overview_of_the_runs_and_rows_that_it_is_given(dataset, tmp_path: Path) -> None:
    shown = [["vit", "both", [0, 1]], ["vgg8", "both", [1]]]
    for model, seed in (("vit", 0), ("vit", 1), ("vgg8", 0), ("vgg8", 1), ("other", 0)):
        spec = make_spec(name=model, augmentation=BOTH, seed=seed)
        FakeRun(spec, tmp_path / "runs", right=random_predictions(seed, 60)).write()
    (tmp_path / "tables").mkdir()
    rows = compared([0.5, 0.6, 0.7]).assign(model=["vit", "vgg8", "other"])
    pd.concat([rows, rows.assign(augmentation="none")]).to_csv(tmp_path / "tables/comparison.csv", index=False)
    row = {
        "run": "P1",
        "model": "vit",
        "augmentation": "both",
        "accuracy": 0.87,
        "accuracies": "0.87",
        "low": 0.85,
        "high": 0.9,
    }
    row |= {"reported_accuracy": 0.8704, "clean_accuracy": 0.9, "tested_on": "augmented", "seeds": 1, "test_images": 9}
    pd.DataFrame([row]).to_csv(tmp_path / "tables/repeats.csv", index=False)
    FACTORIAL.to_csv(tmp_path / "tables/factorial.csv", index=False)
    kinds = [name for name, kind in FIGURE_KINDS.items() if kind.job == "overviews"]
    names = [f"class {label}" for label in "abcdefghij"]
    outputs: dict = {kind: {"kind": kind, "first_seeds": kind == "mistakes"} for kind in kinds}
    outputs["published_runs"]["planned"] = [["P1", "ViT", "both", 0.8704]]
    folders = ("--runs", tmp_path / "runs", "--tables", tmp_path / "tables", "--output", tmp_path / "figures")
    data = write_dataset(tmp_path / "data.npz", dataset)
    plan = {
        "note": "",
        "classes": names,
        "outputs": outputs,
        "runs": shown,
        "titles": {"model": {"vit": "ViT"}, "augmentation": {}},
    }
    ended = stage("figures.overviews", plan, "--data", data, *folders)
    assert (ended.returncode, ended.stderr) == (0, "")
    written = {path.name for path in (tmp_path / "figures").iterdir()}
    assert written == {f"{kind}.{suffix}" for kind in kinds for suffix in ("png", "svg")}
    said = {kind: "\n".join(svg_texts(tmp_path / f"figures/{kind}.svg")) for kind in kinds}
    for kind in set(kinds) - {"published_runs", "effects"}:
        assert "ViT" in said[kind], kind
        assert "vgg8" in said[kind], kind
        assert "other" not in said[kind], kind
        assert "none" not in said[kind], kind
    assert "n = 2 × 60" in said["confusion"]
    assert "a 0" in said["confusion"]  # the classes' names
    assert "P1" in said["published_runs"]
    assert "the baseline's network, trained as published, n = 5" in said["effects"]
