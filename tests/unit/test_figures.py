"""Figures show exactly the data that they are made from, legibly, and are the same bytes each time."""

import re
import subprocess
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from fashion.data.dataset import Dataset
from fashion.data.operations import OPS
from fashion.errors import UserError
from fashion.figures import all_curves, curves, diagrams, log, samples
from fashion.figures.parts.sheet import WIDTH, save
from fashion.image import CLASSES
from fashion.models.build import build, count_parameters
from fashion.models.diagram import trace
from fashion.models.resnet.diagram import describe
from fashion.records.run import Run
from helpers.checkout import CONFIGURED, REPORT
from helpers.command import python, stage
from helpers.figures import NOTE, check_legible, shown_texts, svg_texts, texts
from helpers.runs import FakeRun, by_model, fake_run
from helpers.training import write_dataset

VGG = {"name": "small", "family": "vgg", "settings": {"layers": [4, 8, "M", 8], "separable": True, "hidden": [30]}}
RESNET = {"name": "residual", "family": "resnet", "settings": {"layers": [8, "M", 16], "dilation": 2}}
VIT = {"name": "transformer", "family": "vit", "settings": {"patch": 14, "width": 32, "depth": 3, "heads": 4}}
DEPTHWISE = {**VIT, "settings": {**VIT["settings"], "depthwise": "gelu_first"}}
# As the report's published code has them: separable blocks, a large stem and an average; BatchNorm, ReLU and dropout.
SEPARABLE = {
    "name": "separable",
    "family": "resnet",
    "settings": {"layers": [8, 8, 16], "block": "separable", "stem": "large", "head": "average"},
}
PUBLISHED = {"width": 32, "depth": 2, "heads": 4, "norm": "batch", "activation": "relu", "dropout": 0.1}
CONVOLUTION = {"name": "simplified", "family": "vit", "settings": {**PUBLISHED, "embedding": "convolution"}}
NORM_FIRST = {"name": "norm first", "family": "vit", "settings": {**PUBLISHED, "depthwise": "norm_first"}}
DIAGRAMS = {
    "vgg": VGG,
    "resnet": RESNET,
    "separable resnet": SEPARABLE,
    "vit": VIT,
    "convolution vit": CONVOLUTION,
    "depthwise": DEPTHWISE,
    "depthwise, norm first": NORM_FIRST,
}
EPOCH = "epoch,validation_loss,seconds\n1,2,3"
IMAGE = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28)
TITLES = {"model": {"vgg8": "VGG8"}, "augmentation": {"both": "MixUp"}}
NAMES = [f"class {label}" for label in range(10)]
SAMPLES = {**samples.PLOTS, "randaugment": samples.randaugment}
PUBLISHED_CURVES = pd.read_csv(REPORT.curves)
# The models of the report's diagrams, and of those that were run in their place.
DRAWN = [model for figure in REPORT.figures.values() if figure["kind"] == "diagram" for model in figure["models"]]
DRAWN += ["published_vgg8", "published_resnet18", "published_vit_5x8", "published_vit_depthwise_5x8"]


def plot_curves(runs: list[FakeRun], reported: dict | None = None, **options) -> Figure:
    return curves.plot(by_model(runs), reported or {}, PUBLISHED_CURVES, **options)


@pytest.fixture
def runs(tmp_path: Path) -> list[FakeRun]:
    """Two runs of one model, and one of another that has a single epoch."""
    return [
        fake_run(runs=tmp_path),
        fake_run(runs=tmp_path, seed=1, losses=9),
        fake_run("resnet18_with_a_long_name", tmp_path, losses=1),
    ]


def draw_all(dataset: Dataset, runs: list[FakeRun]) -> dict[str, Callable[[], Figure]]:
    """Every kind of figure."""
    return {
        **{name: lambda plot=plot: plot(dataset) for name, plot in SAMPLES.items()},
        **{name: lambda entry=entry: diagrams.plot(entry, IMAGE) for name, entry in DIAGRAMS.items()},
        "curves": lambda: plot_curves(runs, {"vgg8": {"seconds": 2398.24, "epochs": 48}}),
        "log": lambda: log.plot(runs[0].history),
    }


FIGURES = (*SAMPLES, *DIAGRAMS, "curves", "log")


@pytest.mark.parametrize("name", FIGURES)
def test_figures_fill_the_text_width_and_every_text_is_legible_and_inside(
    name: str, dataset: Dataset, runs: list[FakeRun], tmp_path: Path
) -> None:
    figure = draw_all(dataset, runs)[name]()
    check_legible(figure, tmp_path)


@pytest.mark.parametrize("name", ["mixup", "resnet", "vit", "curves"])
def test_the_same_data_give_the_same_bytes(name: str, dataset: Dataset, runs: list[FakeRun], tmp_path: Path) -> None:
    for folder in ("first", "second"):
        save(
            draw_all(dataset, runs)[name](), [tmp_path / folder / "figure.png", tmp_path / folder / "figure.svg"], NOTE
        )
    for file in ("figure.png", "figure.svg"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_a_vgg_diagram_shows_its_layers_with_shapes_and_parameters() -> None:
    shown = texts(diagrams.plot(VGG, IMAGE))
    # By hand: 3 x 3 x 1 x 4 weights + 4 biases + 8 of BatchNorm; then depthwise 9 c + c, pointwise c d + d, 2 d.
    layers = {
        "28 × 28 × 4": 36 + 4 + 8,
        "28 × 28 × 8": 40 + 40 + 16,
        "14 × 14 × 8": 80 + 72 + 16,
        "30": 14 * 14 * 8 * 30 + 30,
        "10": 30 * 10 + 10,
    }
    assert [text for text in shown if text in layers] == [*list(layers)[:2], "14 × 14 × 8", *list(layers)[2:]]
    assert [text for text in shown if text.replace(",", "").isdigit() and text not in layers] == [
        f"{parameters:,}" for parameters in layers.values()
    ]
    assert [text for text in shown if text.startswith("Layer")] == [f"Layer {number}" for number in range(1, 6)]
    assert f"Total parameters: {sum(layers.values()):,}" in shown
    assert shown.count("3 × 3 depthwise, 1 × 1 pointwise, BatchNorm, ReLU") == 2
    assert "dropout 0.2, 1568 → 30, ReLU" in shown
    assert "30 → 10" in shown


def test_a_resnet_diagram_shows_its_columns_and_its_projections() -> None:
    shown = texts(diagrams.plot(RESNET, IMAGE))
    # Stem with biases, convolutions without; each with the two parameters a channel of its BatchNorm.
    columns = [9 * 8 + 8 + 16, 9 * 64 + 16, 9 * 64 + 16, 9 * 128 + 32, 9 * 256 + 32, 14 * 14 * 16 * 10 + 10]
    projection = 8 * 16 + 32
    numbers = [text for text in shown if text.replace(",", "").isdigit() and text != "10"]
    drawn = [text for layer, parameters in enumerate(columns, 1) for text in (str(layer), f"{parameters:,}")]
    assert numbers == [*drawn, str(projection)]
    assert f"Total parameters: {sum(columns) + projection:,}" in shown
    assert shown.count("28 × 28 × 8") == 3
    assert shown.count("14 × 14 × 8") == 1
    assert shown.count("14 × 14 × 16") == 2
    assert {"shortcut", "1 × 1 projection, with its parameters"} <= set(shown)
    assert [text for text in shown if ":" in text and "Total" not in text] == [
        "Layer 6: 3136 → 10",
        "MaxPool2D: 2 × 2 window, stride 2",
        "Layers 3, 5: 3 × 3 convolution, dilation 2, BatchNorm, sum, ReLU",
        "Layers 2, 4: 3 × 3 convolution, dilation 2, BatchNorm, ReLU",
        "Layer 1: 3 × 3 convolution, BatchNorm, ReLU",
    ]


def test_a_separable_resnet_diagram_shows_its_stem_strides_and_average() -> None:
    shown = texts(diagrams.plot(SEPARABLE, IMAGE))
    # Convolutions with biases; a separable layer has a second BatchNorm.
    plain, halving = 9 * 64 + 8 + 16, 9 * 256 + 16 + 32
    separable = [9 * 8 + 8 + 8 * channels + channels + 4 * channels for channels in (8, 16)]
    columns = [49 * 8 + 8 + 16, separable[0], plain, separable[0], plain, separable[1], halving, 16 * 10 + 10]
    projection = 9 * 8 * 16 + 16 + 32
    drawn = [text for layer, parameters in enumerate(columns, 1) for text in (str(layer), f"{parameters:,}")]
    assert [text for text in shown if text.replace(",", "").isdigit() and text != "10"] == [*drawn, f"{projection:,}"]
    assert f"Total parameters: {sum(columns) + projection:,}" in shown
    shapes = ["28 × 28 × 1", "14 × 14 × 8", *["7 × 7 × 8"] * 5, "4 × 4 × 16", "4 × 4 × 16", "1 × 1 × 16"]
    assert [text for text in shown if text.count("×") == 2 and ":" not in text] == shapes
    assert {"Conv2D", "MaxPool2D", "separable Conv2D", "global average", "FC"} <= set(shown)
    assert {"shortcut", "3 × 3 projection, stride 2, with its parameters"} <= set(shown)
    assert [text for text in shown if ":" in text and "Total" not in text] == [
        "Layer 8: 16 → 10",
        "Layer 6: 3 × 3 depthwise, stride 2, 1 × 1 pointwise, BatchNorm, ReLU, BatchNorm, ReLU",
        "Layers 3, 5, 7: 3 × 3 convolution, BatchNorm, sum, ReLU",
        "Layers 2, 4: 3 × 3 depthwise, 1 × 1 pointwise, BatchNorm, ReLU, BatchNorm, ReLU",
        "MaxPool2D: 3 × 3 window, stride 2",
        "Layer 1: 7 × 7 convolution, stride 2, BatchNorm, ReLU",
    ]


def test_a_vit_diagram_shows_its_patches_shapes_and_parameters() -> None:
    figure = diagrams.plot(VIT, IMAGE)
    shown = texts(figure)
    layer = 2 * 2 * 32 + 4 * 32 * 32 + 4 * 32 + 2 * 4 * 32 * 32 + 5 * 32
    for text in (
        "4 patches of 14 × 14",
        "4 × 196",
        "4 × 32",
        f"{196 * 32 + 32:,}",
        "128",
        f"{3 * layer:,}",
        "330",
        "Transformer encoder: 3 × this layer",
        "LayerNorm\n64",
        "Attention\n4 heads\n4,224",
        "MLP\n32 → 128 → 32\nGELU\n8,352",
        f"Total parameters: {196 * 32 + 32 + 128 + 3 * layer + 330:,}",
    ):
        assert text in shown
    drawn = [image.get_array() for image in figure.axes[0].images]
    np.testing.assert_array_equal(drawn[0], IMAGE)
    np.testing.assert_array_equal(np.block([[drawn[1], drawn[2]], [drawn[3], drawn[4]]]), IMAGE)


def test_a_vit_diagram_shows_what_its_convolution_sees() -> None:
    figure = diagrams.plot(CONVOLUTION, IMAGE)
    shown = texts(figure)
    for text in (
        "196 patches of 3 × 3",
        "196 × 9",
        "196 × 32",
        "Linear projection, 3 × 3 convolution, stride 2",
        f"{9 * 32 + 32}",
        "BatchNorm\n64",
        "MLP\n32 → 128 → 32\nReLU, dropout 0.1\n8,352",
        "dropout 0.1",
    ):
        assert text in shown
    # Of 14 x 14 tokens, the 14 in the middle: from row 6, column 7 to row 7, column 6, two pixels a token.
    _, first, *_, in_column_0, _, _, _, _, _, last = [image.get_array() for image in figure.axes[0].images]
    np.testing.assert_array_equal(first, IMAGE[11:14, 13:16])
    np.testing.assert_array_equal(in_column_0, np.hstack([np.full((3, 1), 128), IMAGE[13:16, :2]]))
    np.testing.assert_array_equal(last, IMAGE[13:16, 11:14])


def test_a_depthwise_vit_shows_the_module() -> None:
    shown = texts(diagrams.plot(DEPTHWISE, IMAGE))
    for text in ("GELU\n0", "BatchNorm\n64", "3 × 3\ndepthwise\n288", "Depthwise module\n352", "2 × 2 × 32"):
        assert text in shown
    assert "Depthwise modules: 3 × 352 = 1,056 parameters" in shown
    module = ["GELU\n0", "BatchNorm\n64"]
    assert [text for text in shown if text in module] == module
    assert [text for text in texts(diagrams.plot(NORM_FIRST, IMAGE)) if text in module][2:] == module[::-1]


def test_every_model_of_the_configuration_can_be_drawn() -> None:
    for name, entry in CONFIGURED.items():
        with torch.device("meta"):
            parameters = count_parameters(build(entry))
        shown = texts(diagrams.plot({"name": name, **entry}, IMAGE))
        assert name in shown
        assert f"Total parameters: {parameters:,}" in shown


def layers_and_parameters(entry: dict) -> tuple[int, int]:
    """How many weighted layers a diagram numbers, and the sum of the parameters that it shows."""
    figure = diagrams.plot(entry, IMAGE)
    layers = sum(text.startswith("Layer ") for text in texts(figure))
    column = [text.get_text() for text in figure.axes[0].texts if text.get_position()[0] == WIDTH]
    if entry["family"] == "resnet":
        chain = describe(*trace(entry))
        layers = sum(box.parameters > 0 for box in chain.boxes)
        column = [str(drawn.parameters) for drawn in (*chain.boxes, *chain.shortcuts)]
    numbers = [text.replace(",", "") for text in column]
    return layers, sum(int(number) for number in numbers if number.isdigit())


def test_the_layers_of_the_reports_diagrams_have_all_parameters() -> None:
    layers = {}
    for name in DRAWN:
        entry = CONFIGURED[name]
        if "depthwise" not in entry["settings"]:
            layers[name], parameters = layers_and_parameters({"name": name, **entry})
            with torch.device("meta"):
                assert parameters == count_parameters(build(entry)), name
    assert layers == {
        **dict.fromkeys(("vgg8", "vgg8_wide", "published_vgg8"), 8),
        "vgg12": 12,
        **dict.fromkeys(("resnet18", "published_resnet18"), 18),
        **dict.fromkeys(("vit", "published_vit_5x8"), 0),
    }


@pytest.mark.parametrize("entry", [DEPTHWISE, NORM_FIRST], ids=lambda entry: entry["name"])
def test_the_boxes_of_a_depthwise_diagram_have_the_layers_parameters(entry: dict) -> None:
    boxes = [text.split("\n")[-1].replace(",", "") for text in texts(diagrams.plot(entry, IMAGE)) if "\n" in text]
    layer = trace(entry)[0].layers[0]
    # The module is drawn as a whole and in parts.
    expected = count_parameters(layer) + count_parameters(layer.depthwise)
    assert sum(int(number) for number in boxes if number.isdigit()) == expected


def test_no_text_of_the_reports_diagrams_is_cut_off_or_covers_another(tmp_path: Path) -> None:
    for name in DRAWN:
        figure = diagrams.plot({"name": name, **CONFIGURED[name]}, IMAGE)
        check_legible(figure, tmp_path)
        for one, other in combinations(shown_texts(figure), 2):
            assert not one.get_window_extent().overlaps(other.get_window_extent()), (name, one, other)


@pytest.mark.parametrize("entry", DIAGRAMS.values(), ids=DIAGRAMS)
def test_a_changed_setting_changes_the_diagram(entry: dict) -> None:
    key, value = ("depth", 5) if entry["family"] == "vit" else ("layers", [4, 4, "M", 12])
    changed = {**entry, "settings": {**entry["settings"], key: value}}
    assert texts(diagrams.plot(entry, IMAGE)) != texts(diagrams.plot(changed, IMAGE))


def test_curves_are_the_histories(runs: list[FakeRun]) -> None:
    figure = plot_curves([runs[2], *runs[:2]], {"vgg8": {"seconds": 2398.24, "epochs": 48}})
    first, second = figure.subfigs
    assert first._suptitle.get_text() == "resnet18_with_a_long_name, augmentation: both, 1 seed"
    assert second._suptitle.get_text() == "vgg8, augmentation: both, 2 seeds"
    for subfigure, shown in ((first, runs[2:]), (second, runs[:2])):
        for axes, metric, scale in zip(subfigure.axes, ("loss", "accuracy"), (1, 100), strict=True):
            lines = iter(axes.lines)
            for history in (run.history for run in shown):
                for part in ("train", "validation"):
                    np.testing.assert_array_equal(
                        next(lines).get_xydata(),
                        np.column_stack([history["epoch"], scale * history[f"{part}_{metric}"]]),
                    )
                best = history["validation_loss"].to_numpy().argmin()
                expected = [[best + 1, scale * history[f"validation_{metric}"][best]]]
                np.testing.assert_array_equal(next(lines).get_xydata(), expected)
            assert next(lines, None) is None
    assert {line.get_marker() for line in first.axes[0].lines} == {"o"}


def losses(train: list[float], validation: list[float]) -> list[FakeRun]:
    """A run with these losses, an epoch each."""
    return [fake_run("vit", family="vit", losses=validation, train_loss=train, validation_accuracy=0.5)]


def test_a_loss_far_above_the_others_does_not_flatten_them_and_is_marked(tmp_path: Path) -> None:
    # resnet18 under few images: three of its six losses are far above what its training can be read beside.
    figure = plot_curves(losses(train=[19.0, 8.2, 7.6], validation=[62.7, 1482.5, 244.3]))
    axes = figure.subfigs[0].axes[0]
    top = axes.get_ylim()[1]
    assert 62.7 < top < 80
    triangles = {line.get_label(): line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "^"}
    assert triangles == {"outside": [[2, top], [3, top]]}
    assert axes.get_title(loc="right") == "▲ validation up to 1,482.5"
    figure = plot_curves(losses(train=[47.1, 4.9, 2.6], validation=[2.6, 2.3, np.inf]))
    axes = figure.subfigs[0].axes[0]
    assert 4.9 < axes.get_ylim()[1] < 6
    assert axes.get_title(loc="right") == "▲ training up to 47.1\n▲ validation up to inf"
    check_legible(figure, tmp_path)


def test_the_ring_of_a_loss_outside_is_at_the_edge() -> None:
    axes = plot_curves(losses(train=[41.7, 16.9], validation=[85_892.0, 69_375.0])).subfigs[0].axes[0]
    (ring,) = (line for line in axes.lines if line.get_label() == "best")
    assert ring.get_xydata().tolist() == [[2, axes.get_ylim()[1]]]


def test_where_a_run_diverged_is_marked_and_a_panel_without_a_loss_is_drawn(tmp_path: Path) -> None:
    whole, late = fake_run(losses=6), fake_run(seed=1, losses=4).diverge()
    at_once = fake_run("vit", losses=1).diverge()
    figure = plot_curves([whole, late, at_once])
    check_legible(figure, tmp_path)
    assert "diverged" in texts(figure)
    for part, epoch in zip(figure.subfigs, (4, 1), strict=True):
        for axes in part.axes:
            (cross,) = (line for line in axes.lines if line.get_label() == "diverged")
            assert cross.get_xydata().tolist() == [[epoch, 1]]
            # On the panel's upper edge, whatever its scale.
            assert cross.get_transform() == axes.get_xaxis_transform()
            assert cross.get_gid().endswith(f"diverged: loss not finite at epoch {epoch}, step 7, rate 0.001")
    check_legible(all_curves.plot(by_model([whole, late, at_once])), tmp_path)
    assert "diverged" not in texts(plot_curves([whole]))


def test_no_loss_below_that_of_guessing_is_left_out() -> None:
    axes = plot_curves(losses(train=[2.3, *[0.01] * 9], validation=[0.9, *[0.5] * 9])).subfigs[0].axes[0]
    assert axes.get_ylim()[1] > 2.3
    assert "outside" not in {line.get_label() for line in axes.lines}


def test_epochs_are_whole_numbers_on_the_axis(runs: list[FakeRun]) -> None:
    figure = plot_curves(runs)
    figure.draw_without_rendering()
    for axes in [axes for subfigure in figure.subfigs for axes in subfigure.axes]:
        assert all(float(tick).is_integer() for tick in axes.get_xticks())


def test_training_time_stands_beside_the_reports() -> None:
    single, short, long = (fake_run(losses=epochs, seconds=each) for each, epochs in ((2, 1), (2, 3), (1, 10)))
    reported = {"seconds": 2398.24, "epochs": 48}
    time = curves.training_time
    assert time([short], reported) == "Total training time: 6.0 s in 3 epochs (report: 2398.24 s, 48 epochs)"
    assert time([single], {"epochs": 7}) == "Total training time: 2.0 s in 1 epoch (report: 7 epochs)"
    assert time([short, long], {}) == "Total training time: 8.0 s in 6.5 epochs, mean of 2 seeds"


def test_curves_say_if_they_were_timed_on_a_busy_machine(runs: list[FakeRun]) -> None:
    runs[1].provenance["processor_seconds"] = 10.0
    first, second = (part.get_supxlabel() for part in plot_curves(runs).subfigs)
    assert first.endswith(" epochs, mean of 2 seeds; timed on a busy machine (1 of 2 runs)") != second.endswith("runs)")


def test_a_long_line_under_curves_is_not_cut_off(runs: list[FakeRun], tmp_path: Path) -> None:
    runs[1].provenance["processor_seconds"] = 10.0
    figure = plot_curves(runs, {"vgg8": {"seconds": 2398.24, "epochs": 48}})
    assert any(
        part.get_supxlabel().endswith(" 48 epochs);\ntimed on a busy machine (1 of 2 runs)") for part in figure.subfigs
    )
    check_legible(figure, tmp_path)


def test_the_log_is_the_history(runs: list[FakeRun]) -> None:
    history = runs[0].history
    history.loc[0, "train_loss"] = 12.5
    expected = [
        (
            f"Epoch {row['epoch']:2.0f} - "
            f"Train Loss: {row['train_loss']:7.4f}, Train Acc: {row['train_accuracy']:.4f}, "
            f"Val Loss: {row['validation_loss']:.4f}, Val Acc: {row['validation_accuracy']:.4f}, "
            f"Test Loss: {row['test_loss']:.4f}, Test Acc: {row['test_accuracy']:.4f}"
        )
        for _, row in history.iterrows()
    ]
    shown = log.plot(history).axes[0].texts
    assert [re.sub("[\N{NO-BREAK SPACE}\N{FIGURE SPACE}]", " ", text.get_text()) for text in shown] == expected


def test_mixup_names_the_classes_and_shares_of_the_targets(dataset: Dataset) -> None:
    target = np.zeros(10)
    target[[8, 6]] = 0.63, 0.37
    assert samples.shares(target) == "Bag .63\nShirt .37"
    assert samples.shares(np.eye(10)[9]) == "Boot 1.00"
    _, targets = samples.mixed(dataset, 30, 0.4, 0)
    captions = [text.get_text().strip() for text in samples.mixup_samples(dataset).axes[0].texts]
    assert captions == [samples.shares(target) for target in targets]


def test_samples_are_the_first_of_each_class(dataset: Dataset) -> None:
    axes = samples.samples(dataset, columns=3).axes[0]
    assert tuple(label.get_text() for label in axes.get_yticklabels()) == CLASSES
    mosaic = axes.images[0].get_array()
    second_bag = dataset.train_images[dataset.train_labels == CLASSES.index("Bag")][1]
    np.testing.assert_array_equal(mosaic[8 * 30 : 8 * 30 + 28, 30 : 30 + 28], second_bag)


def test_images_have_the_names_of_other_classes(dataset: Dataset) -> None:
    names = [f"class {label}" for label in range(10)]
    axes = samples.samples(dataset, classes=names, columns=3).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == names
    assert samples.shares(np.eye(10)[9], names) == "9 1.00"
    unmixed = samples.mixup_alpha(dataset, classes=names).axes[0].texts[0].get_text().strip()
    assert unmixed == str(dataset.train_labels[0])


def test_randaugment_leaves_out_a_side_that_an_operation_does_not_have(dataset: Dataset) -> None:
    axes = samples.randaugment(dataset, magnitudes=(0, 30)).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["image", "−30", "0", "30"]
    mosaic = axes.images[0].get_array()
    assert [text.get_text() for text in axes.texts] == ["one-sided"] * 6
    blank = [op for row, op in enumerate(OPS) if mosaic.mask[row * 30 : row * 30 + 28, 30 : 30 + 28].all()]
    assert blank == ["Identity", "AutoContrast", "Equalize", "Solarize", "Color", "Posterize"]


@pytest.mark.parametrize(
    "content",
    [None, "", EPOCH[:-5], "epoch,train_loss\n1,2\n", EPOCH + ",0\n", EPOCH + "\n1,2,3,0\n", EPOCH.replace("2", "two")],
    ids=["missing", "empty", "no epoch", "other columns", "longer rows", "a longer row", "no number"],
)
def test_a_run_without_a_history_is_refused_by_name(content: str | None, tmp_path: Path) -> None:
    path = fake_run(runs=tmp_path).write() / "history.csv"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(UserError, match="not the history of a run") as caught:
        _ = Run(path.parent).history
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def draw(
    job: str, outputs: dict[str, dict], folder: Path, *options: str | Path, runs: tuple = (), **environment: str
) -> subprocess.CompletedProcess:
    """Run the stage of a kind of figures, which are named after their kind."""
    plan = {"note": NOTE, "classes": NAMES, "runs": runs, "titles": TITLES}
    plan["outputs"] = {name: {"kind": name, **settings} for name, settings in outputs.items()}
    return stage(f"figures.{job}", plan, *options, "--output", folder, **environment)


def of_runs(folder: Path) -> tuple[str | Path, ...]:
    return "--runs", folder, "--published", REPORT.curves


def test_a_stage_ends_with_one_line_where_the_history_is_missing(runs: list[FakeRun], tmp_path: Path) -> None:
    (runs[0].write() / "history.csv").unlink()
    for seed, culprit in ((0, "seed0/history.csv: not the history"), (1, "seed1: not a run's folder")):
        shown = (["vgg8", "both", [seed]],)
        ended = draw("curves", {"curves": {"reported": {}}}, tmp_path / "figures", *of_runs(tmp_path), runs=shown)
        assert ended.returncode == 1
        assert ended.stderr.startswith(f"error: {tmp_path}/vgg8/both/{culprit}")
        assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "figures").exists()


def test_a_stage_writes_the_same_bytes_in_any_process_and_for_any_user(runs: list[FakeRun], tmp_path: Path) -> None:
    for run in runs:
        run.write()
    shown = (["vgg8", "both", [0, 1]], [runs[2].spec["model"]["name"], "both", [0]])
    settings = tmp_path / "matplotlibrc"
    settings.write_text("font.size: 20\nsavefig.bbox: tight\nsvg.fonttype: path\n")
    contents = []
    for environment in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "MATPLOTLIBRC": str(settings)}):
        outputs = {"log": {"models": ["vgg8"], "first_seeds": True}, "curves": {"reported": {}}}
        ended = draw("curves", outputs, tmp_path / "figures", *of_runs(tmp_path), runs=shown, **environment)
        assert (ended.returncode, ended.stderr) == (0, "")
        contents.append({path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()})
    assert contents[0].keys() == {f"{name}.{suffix}" for name in outputs for suffix in ("png", "svg")}
    assert {"VGG8, augmentation: MixUp, 2 seeds"} < set(svg_texts(tmp_path / "figures/curves.svg"))
    logged = [text.replace("\N{NO-BREAK SPACE}", " ") for text in svg_texts(tmp_path / "figures/log.svg")]
    assert sum(text.startswith("Epoch ") for text in logged) == len(runs[0].history) != len(runs[1].history)
    assert contents[0] == contents[1]


def test_the_stage_of_samples_draws_what_its_plan_lists(dataset: Dataset, tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data.npz", dataset)
    outputs = {"samples": {}, "randaugment": {}, "mixup_alpha": {}, "mixup": {"alphas": [0.2, 0.7]}}
    ended = draw("samples", outputs, tmp_path / "figures", "--data", data)
    assert (ended.returncode, ended.stderr) == (0, "")
    shown = {name: svg_texts(tmp_path / f"figures/{name}.svg") for name in outputs}
    assert set(NAMES) <= set(shown["samples"])
    assert {"α = 0.2", "α = 0.7"} <= set(shown["mixup"])
    assert set(OPS) <= set(shown["randaugment"])
    assert all(NOTE.split(";")[0] in " ".join(said) for said in shown.values())


def test_the_stage_of_diagrams_draws_each_model_of_its_plan(dataset: Dataset, tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data.npz", dataset)
    plan = {"note": "", "classes": NAMES, "outputs": {}}
    plan["outputs"] = {name: {"kind": "diagram", "entry": DIAGRAMS[name]} for name in ("vgg", "vit")}
    ended = stage("figures.diagrams", plan, "--data", data, "--output", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "small" in svg_texts(tmp_path / "vgg.svg")
    assert "transformer" in svg_texts(tmp_path / "vit.svg")


def test_only_figures_of_models_and_augmentations_start_with_torch() -> None:
    drawing = {path.stem for path in Path(samples.__file__).parent.glob("*.py")}
    without = drawing - {"__init__", "samples", "diagrams"}
    assert {"curves", "log", "overviews"} <= without
    code = f"import sys, {', '.join(f'fashion.figures.{name}' for name in without)}; print('torch' in sys.modules)"
    assert python("-c", code).stdout == "False\n"


def test_published_curves_are_black_and_over_ours_which_are_pale(runs: list[FakeRun]) -> None:
    figure = plot_curves(runs[:1], {"vgg8": {"run": "P13"}})
    loss, accuracy = figure.subfigs[0].axes
    theirs = PUBLISHED_CURVES[PUBLISHED_CURVES["run"] == "P13"]
    assert len(theirs) == 49
    for axes, metric, scale in ((loss, "loss", 1), (accuracy, "accuracy", 100)):
        drawn = {line.get_label(): line for line in axes.lines}
        for part, label in (("validation", "validation"), ("train", "training")):
            published, ours = drawn[f"published {label}"], drawn[label]
            np.testing.assert_array_equal(published.get_ydata(), scale * theirs[f"{part}_{metric}"])
            assert published.get_color() == "black" != ours.get_color()
            assert published.get_zorder() > ours.get_zorder()
            assert ours.get_alpha() < 1
            assert published.is_dashed() == (part == "train")
    assert "published validation" in texts(figure)
    assert "published validation" not in texts(plot_curves(runs[:1], {"vgg8": {"seconds": 1}}))


def test_every_published_run_has_its_curves() -> None:
    # The epochs of each, counted from its picture.
    epochs = dict(zip(range(1, 16), (24, 41, 36, 38, 42, 31, 46, 45, 67, 9, 9, 11, 49, 63, 31), strict=True))
    lengths = PUBLISHED_CURVES["run"].value_counts()
    assert lengths.to_dict() == {f"P{number}": count for number, count in epochs.items()}


def test_test_curves_show_the_test_in_place_of_validation(runs: list[FakeRun]) -> None:
    figure = plot_curves(runs[:1], held_out="test")
    drawn = {line.get_label(): line for line in figure.subfigs[0].axes[1].lines}
    np.testing.assert_array_equal(drawn["test"].get_ydata(), 100 * runs[0].history["test_accuracy"])
    assert "validation" not in drawn
