"""An SVG is ready to be a part of a page: it takes the page's colours, and says its numbers."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from fashion.figures import (
    confusion,
    curves,
    log,
    mistakes,
    published_runs,
    reliability,
    samples,
    time_to_accuracy,
    tradeoff,
)
from fashion.figures.parts.sheet import save
from fashion.figures.parts.svg import BLACK, describe, svg
from helpers.runs import FakeRun, by_model, predict
from helpers.specs import make_spec

NO_CURVES = pd.DataFrame({"run": []})
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def drawn(dataset) -> dict[str, Figure]:
    """Figures of each kind of mark."""
    runs = [FakeRun(make_spec(seed=seed)) for seed in (0, 1)]
    groups = [("vit", "both", [predict((8, 9, 0.9), (8, 8, 0.7), (1, 1, 0.6))])]
    numbers = {"parameters": 55562, "flops_per_image": 1.7e6, "test_accuracy": 0.876, "test_accuracy_low": 0.87}
    numbers |= {"test_accuracy_high": 0.88, "reported_test_accuracy": 0.88, "seeds": 1, "test_images": 100}
    row = {"run": "P1", "model": "vit", "augmentation": "both", "accuracies": "0.87 0.88", "low": 0.85, "high": 0.9}
    row |= {
        "accuracy": 0.875,
        "reported_accuracy": 0.8704,
        "clean_accuracy": 0.9,
        "tested_on": "augmented",
        "seeds": 2,
        "test_images": 9,
    }
    row |= {"accuracy": 0.875}
    return {
        "curves": curves.plot(by_model(runs), {}, NO_CURVES),
        "log": log.plot(runs[0].history),
        "mixup": samples.mixup_samples(dataset),
        "mistakes": mistakes.plot(dataset.test_images, groups),
        "confusion": confusion.plot(groups),
        "reliability": reliability.plot(groups),
        "time": time_to_accuracy.plot(by_model(runs)),
        "tradeoff": tradeoff.plot(pd.DataFrame([{"model": "vit", "augmentation": "both", **numbers}]), {"vit": "vit"}),
        "repeats": published_runs.plot(pd.DataFrame([row]), [("P1", "ViT", "none", 0.8704)]),
    }


def titles(text: str) -> list[str]:
    return [title.text for title in ElementTree.fromstring(text).iter(f"{SVG}title")]


def test_marks_say_the_numbers_that_they_stand_for(drawn: dict[str, Figure]) -> None:
    said = {name: titles(svg(figure, name)) for name, figure in drawn.items()}
    assert "vit: 33.3 % of Bag as Bag" not in said["confusion"]
    assert "vit: 50.0 % of Bag as Ankle Boot" in said["confusion"]
    assert "vit: 87.60 %, 95 % interval 87.00 to 88.00 %" in said["tradeoff"]
    assert {"vit: 88.00 % in the report", "vit: 55,562 parameters"} <= set(said["tradeoff"])
    assert said["repeats"] == [
        "P1, one more seed, 95 %: 85.00 to 90.00 %",
        "P1, published: 87.04 %",
        "P1, our seeds: 87.00 %, 88.00 %",
        "P1, our mean on clean images: 90.00 %",
    ]
    assert "ECE 53.3 %; accuracy at confidence: 100 % at 60 %, 100 % at 70 %, 0 % at 90 %" in said["reliability"]
    # Of two seeds, in two panels: two lines and a ring each.
    assert len(said["curves"]) == 12
    assert any(re.fullmatch(r"validation accuracy \d+\.\d\d % at epoch \d+, .*", text) for text in said["curves"])


def test_the_keyboard_stops_at_marks_but_not_at_numbers_that_are_written(drawn: dict[str, Figure]) -> None:
    stops = {name: svg(figure, name).count('tabindex="0"') for name, figure in drawn.items()}
    assert stops["tradeoff"] == 4
    assert stops["confusion"] == 0


def test_the_ink_is_the_pages_and_nothing_covers_it(drawn: dict[str, Figure]) -> None:
    for name, figure in drawn.items():
        text = svg(figure, name)
        assert "currentColor" in text
        assert not re.search("#000000|<style|<metadata|<path[^>]*fill: #fff", text), name
        assert "<text" in text


def test_text_on_a_light_fill_stays_black(drawn: dict[str, Figure]) -> None:
    texts = {text.text: text.get("style") for text in _texts(svg(drawn["confusion"], "confusion"))}
    assert f"fill: {BLACK}" in texts["50"]
    assert "fill" not in texts["predicted class (row: true)"]


def test_ids_do_not_meet_those_of_another_figure(drawn: dict[str, Figure]) -> None:
    text, other = (svg(drawn["curves"], name) for name in ("one", "other"))
    ids = [set(re.findall(r'id="([^"]+)"', one)) for one in (text, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert {*re.findall(r'href="#(\w+)"', text), *re.findall(r"url\(#(\w+)\)", text)} == ids[0]


def test_an_image_is_as_many_pixels_as_it_has(drawn: dict[str, Figure], tmp_path: Path) -> None:
    save(drawn["mixup"], [tmp_path / "figure.svg", tmp_path / "figure.png"], "")
    (image,) = ElementTree.parse(tmp_path / "figure.svg").iter(f"{SVG}image")
    height, width = drawn["mixup"].axes[0].images[0].get_array().shape
    assert (float(image.get("width")), float(image.get("height"))) == (width, height)
    assert drawn["mixup"].axes[0].images[0].get_interpolation() == "auto"


def test_a_line_of_many_points_ends_where_it_does() -> None:
    figure = Figure()
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    steps = np.random.default_rng(0).random(100)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    (line,) = axes.plot(np.linspace(0, 1, 100), steps)
    describe(line, "a line")
    (path,) = (path for path in ElementTree.fromstring(svg(figure, "")).iter(f"{SVG}path") if "l" in path.get("d"))
    points = np.array(re.findall(r"-?[\d.]+", path.get("d")), float).reshape(-1, 2).cumsum(axis=0)
    width, height = 72 * figure.get_size_inches()
    expected = np.column_stack([np.linspace(0, width, 100), height * (1 - steps)])
    np.testing.assert_allclose(points, expected, atol=0.051)


def _texts(text: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(text).iter(f"{SVG}text"))
