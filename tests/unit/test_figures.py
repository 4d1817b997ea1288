"""Figures show exactly the data that they are made from, legibly, and are the same bytes each time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fabricated import NOTE, check_legible, stage, texts, write_run
from matplotlib.figure import Figure

from fashion.augment import OPS
from fashion.dataset import CLASSES, Dataset
from fashion.errors import UserError
from fashion.figures import curves, diagrams, log, read_run, samples, save
from fashion.models import build, count_parameters

VGG = {"name": "small", "family": "vgg", "settings": {"layers": [4, 8, "M", 8], "separable": True, "hidden": [30]}}
RESNET = {"name": "residual", "family": "resnet", "settings": {"layers": [8, "M", 16], "dilation": 2}}
VIT = {"name": "transformer", "family": "vit", "settings": {"patch": 14, "width": 32, "depth": 3, "heads": 4}}
DEPTHWISE = {**VIT, "settings": {**VIT["settings"], "depthwise": True}}
IMAGE = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28)


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Two runs of one model, and one of another that has a single epoch."""
    single = write_run(tmp_path / "c", model="resnet18_with_a_long_name", epochs=1)
    return [write_run(tmp_path / "a"), write_run(tmp_path / "b", seed=1, epochs=9), single]


def draw_all(dataset: Dataset, runs: list[Path]) -> dict[str, Callable[[], Figure]]:
    """Every kind of figure."""
    histories = [read_run(run) for run in runs]
    return {
        **{name: lambda plot=plot: plot(dataset) for name, plot in samples.FIGURES.items()},
        **{
            name: lambda entry=entry: diagrams.plot(entry, IMAGE)
            for name, entry in (("vgg", VGG), ("resnet", RESNET), ("vit", VIT), ("depthwise", DEPTHWISE))
        },
        "curves": lambda: curves.plot(histories, {"vgg8": {"seconds": 2398.24, "epochs": 48}}),
        "log": lambda: log.plot(histories[0][1]),
    }


FIGURES = (*samples.FIGURES, "vgg", "resnet", "vit", "depthwise", "curves", "log")


@pytest.mark.parametrize("name", FIGURES)
def test_figures_fill_the_text_width_and_every_text_is_legible_and_inside(
    name: str, dataset: Dataset, runs: list[Path], tmp_path: Path
) -> None:
    figure = draw_all(dataset, runs)[name]()
    check_legible(figure, tmp_path)


@pytest.mark.parametrize("name", ["mixup", "resnet", "vit", "curves"])
def test_the_same_data_give_the_same_bytes(name: str, dataset: Dataset, runs: list[Path], tmp_path: Path) -> None:
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
    assert any("3 × 3 convolution, dilation 2" in text for text in shown)


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
        "Attention\n4 heads\n4,224",
        "MLP\n32 → 128 → 32\n8,352",
        f"Total parameters: {196 * 32 + 32 + 128 + 3 * layer + 330:,}",
    ):
        assert text in shown
    drawn = [image.get_array() for image in figure.axes[0].images]
    np.testing.assert_array_equal(drawn[0], IMAGE)
    np.testing.assert_array_equal(np.block([[drawn[1], drawn[2]], [drawn[3], drawn[4]]]), IMAGE)


def test_a_depthwise_vit_shows_the_module() -> None:
    shown = texts(diagrams.plot(DEPTHWISE, IMAGE))
    for text in ("GELU\n0", "BatchNorm\n64", "3 × 3\ndepthwise\n320", "Depthwise module\n384", "2 × 2 × 32"):
        assert text in shown
    assert "Depthwise modules: 3 × 384 = 1,152 parameters" in shown


def test_every_model_of_the_configuration_can_be_drawn(config: dict) -> None:
    for name, entry in config["models"].items():
        with torch.device("meta"):
            parameters = count_parameters(build(entry))
        shown = texts(diagrams.plot({"name": name, **entry}, IMAGE))
        assert name in shown
        assert f"Total parameters: {parameters:,}" in shown


@pytest.mark.parametrize("entry", [VGG, RESNET, VIT, DEPTHWISE], ids=lambda entry: entry["name"])
def test_a_changed_setting_changes_the_diagram(entry: dict) -> None:
    key, value = ("depth", 5) if entry["family"] == "vit" else ("layers", [4, 4, "M", 12])
    changed = {**entry, "settings": {**entry["settings"], key: value}}
    assert texts(diagrams.plot(entry, IMAGE)) != texts(diagrams.plot(changed, IMAGE))


def test_curves_are_the_histories(runs: list[Path]) -> None:
    histories = [read_run(run) for run in runs]
    figure = curves.plot(histories[::-1], {"vgg8": {"seconds": 2398.24, "epochs": 48}})
    first, second = figure.subfigs
    assert first._suptitle.get_text() == "resnet18_with_a_long_name, augmentation: both, 1 seed"
    assert second._suptitle.get_text() == "vgg8, augmentation: both, 2 seeds"
    for subfigure, shown in ((first, histories[2:]), (second, histories[:2])):
        for axes, metric, scale in zip(subfigure.axes, ("loss", "accuracy"), (1, 100), strict=True):
            lines = iter(axes.lines)
            for _, history in shown:
                for part in ("validation", "train"):
                    np.testing.assert_array_equal(
                        next(lines).get_xydata(),
                        np.column_stack([history["epoch"], scale * history[f"{part}_{metric}"]]),
                    )
                best = history["validation_loss"].argmin()
                expected = [[best + 1, scale * history[f"validation_{metric}"][best]]]
                np.testing.assert_array_equal(next(lines).get_xydata(), expected)
            assert next(lines, None) is None
    assert {line.get_marker() for line in first.axes[0].lines} == {"o"}


def test_epochs_are_whole_numbers_on_the_axis(runs: list[Path]) -> None:
    figure = curves.plot([read_run(run) for run in runs], {})
    figure.draw_without_rendering()
    for axes in [axes for subfigure in figure.subfigs for axes in subfigure.axes]:
        assert all(float(tick).is_integer() for tick in axes.get_xticks())


def test_training_time_stands_beside_the_reports() -> None:
    short, long = (np.array([(seconds,)] * epochs, dtype=[("seconds", float)]) for seconds, epochs in ((2, 3), (1, 10)))
    reported = {"seconds": 2398.24, "epochs": 48}
    time = curves.training_time
    assert time([short], reported) == "Total training time: 6.0 s in 3 epochs (report: 2398.24 s, 48 epochs)"
    assert time([short[:1]], {"epochs": 7}) == "Total training time: 2.0 s in 1 epoch (report: 7 epochs)"
    assert time([short, long], {}) == "Total training time: 8.0 s in 6.5 epochs, mean of 2 seeds"


def test_the_log_is_the_history(runs: list[Path]) -> None:
    _, history = read_run(runs[1])
    expected = [
        f"Epoch {row['epoch']:.0f} - Train Loss: {row['train_loss']:.4f}, Train Acc: {row['train_accuracy']:.4f}, "
        f"Val Loss: {row['validation_loss']:.4f}, Val Acc: {row['validation_accuracy']:.4f}, "
        f"Test Loss: {row['test_loss']:.4f}, Test Acc: {row['test_accuracy']:.4f}"
        for row in history
    ]
    assert [text.get_text() for text in log.plot(history).axes[0].texts] == expected


def test_mixup_names_the_classes_and_shares_of_the_targets(dataset: Dataset) -> None:
    target = np.zeros(10)
    target[[8, 6]] = 0.63, 0.37
    assert samples.shares(target) == "Bag .63\nShirt .37"
    assert samples.shares(np.eye(10)[9]) == "Boot 1.00"
    _, targets = samples.mixed(dataset, 30, 2.0, 0)
    captions = [text.get_text().strip() for text in samples.mixup_samples(dataset).axes[0].texts]
    assert captions == [samples.shares(target) for target in targets]


def test_samples_are_the_first_of_each_class(dataset: Dataset) -> None:
    axes = samples.samples(dataset, columns=3).axes[0]
    assert tuple(label.get_text() for label in axes.get_yticklabels()) == CLASSES
    mosaic = axes.images[0].get_array()
    second_bag = dataset.train_images[dataset.train_labels == CLASSES.index("Bag")][1]
    np.testing.assert_array_equal(mosaic[8 * 30 : 8 * 30 + 28, 30 : 30 + 28], second_bag)


def test_randaugment_leaves_out_a_side_that_an_operation_does_not_have(dataset: Dataset) -> None:
    axes = samples.randaugment(dataset, magnitudes=(0, 30)).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["image", "−30", "0", "30"]
    mosaic = axes.images[0].get_array()
    blank = [op for row, op in enumerate(OPS) if (mosaic[row * 30 : row * 30 + 28, 30 : 30 + 28] == 255).all()]
    assert blank == ["Identity", "AutoContrast", "Equalize", "Solarize", "Color", "Posterize"]


@pytest.mark.parametrize("content", [None, "", "epoch,train_loss\n", "epoch,train_loss\n1,2,3\n"])
def test_a_run_without_a_history_is_refused_by_name(content: str | None, tmp_path: Path) -> None:
    path = write_run(tmp_path / "run") / "history.csv"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(UserError, match="is not the history of a finished run") as caught:
        read_run(tmp_path / "run")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_stage_ends_with_one_line_where_the_history_is_missing(tmp_path: Path) -> None:
    ended = stage(
        "-m", "fashion.figures.curves", "--runs", tmp_path, "--seeds", "0", "--output", tmp_path / "figure.png"
    )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert str(tmp_path / "seed0" / "history.csv") in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_stage_writes_the_same_bytes_in_any_process_and_for_any_user(runs: list[Path], tmp_path: Path) -> None:
    settings = tmp_path / "matplotlibrc"
    settings.write_text("font.size: 20\nsavefig.bbox: tight\nsvg.fonttype: none\n")
    contents = []
    for environment in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "MATPLOTLIBRC": str(settings)}):
        outputs = [tmp_path / "figure.png", tmp_path / "figure.svg"]
        ended = stage("-m", "fashion.figures.log", "--run", runs[0], "--output", *outputs, **environment)
        assert (ended.returncode, ended.stderr) == (0, "")
        contents.append([output.read_bytes() for output in outputs])
    assert contents[0] == contents[1]


def test_only_figures_of_models_and_augmentations_start_with_torch() -> None:
    drawing = {path.stem for path in Path(samples.__file__).parent.glob("*.py")}
    without = drawing - {"__init__", "samples", "canvas", "diagrams", "vit_diagrams"}
    assert {"curves", "log", "confusion", "mistakes"} <= without
    code = f"import sys, {', '.join(f'fashion.figures.{name}' for name in without)}; print('torch' in sys.modules)"
    assert stage("-c", code).stdout == "False\n"
