"""The page of a study under way, in Chromium: its curves, how it fits, and that it loads itself again."""

import time
from pathlib import Path

import numpy as np
import pytest

from fashion.ask.follow import SECONDS
from fashion.ask.overview import overview
from fashion.ask.watch_page import HEIGHT, MARGINS, WIDTH, panels, write_page
from fashion.errors import UserError
from fashion.study.definition import resolve
from helpers.browser import CHROMIUM, Browser
from helpers.results import Results

RUNNING = ("vit", "both", 0)


@pytest.fixture
def results(config: dict, tmp_path: Path) -> Results:
    config["studies"]["quick"] |= {"models": ["vit", "vgg8"], "seeds": [0, 1, 2], "augmentations": ["none", "both"]}
    return Results(tmp_path / "results", resolve(config, "quick"))


@pytest.fixture
def page(results: Results, tmp_path: Path) -> Path:
    results.run(RUNNING, 0.5, 0.4, 0.45)
    results.run(("vit", "both", 1), 0.5)
    results.log(("vit", "both", 2))
    results.log(("vgg8", "both", 0), "error: <b>no room</b> on the disk, " + "x" * 300)
    results.finish(("vgg8", "both", 1), accuracy=0.8123)
    return write(results, tmp_path / "watch.html")


def write(results: Results, path: Path) -> Path:
    write_page(overview(results.study, results.states(), time.time()), path)
    return path


def test_a_panel_has_its_curves_between_its_axes(results):
    results.run(RUNNING, 1.0, 0.5, float("inf"), float("nan"), 0.75)
    loss, accuracy = panels(results.states()[RUNNING].history)
    assert (loss["metric"], accuracy["metric"]) == ("loss", "accuracy")
    heights, values = zip(*((y, float(text)) for y, text in loss["up"]), strict=True)
    left, right, above, below = MARGINS
    assert list(values) == sorted(values)
    assert (heights[0], heights[-1]) == (HEIGHT - below, above)
    # Where the loss is no number there is no point.
    first, second, last = loss["lines"]["validation"]
    assert (first[0], last[0]) == (left, WIDTH - right)
    assert second[0] == pytest.approx(left + (WIDTH - left - right) / 4)
    expected = np.interp([1.0, 0.5, 0.75], values, heights)
    assert [first[1], second[1], last[1]] == pytest.approx(expected.tolist(), abs=0.1)
    assert [text for _, text in loss["across"]] == ["1", "2", "3", "4", "5"]
    assert all(text.endswith(" %") for _, text in accuracy["up"])


def test_a_page_that_cannot_be_written_is_one_line(results, tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file/page.html"):
        with pytest.raises(UserError, match=f"^{path}: the page cannot be written: "):
            write(results, path)


@pytest.mark.parametrize("losses", [[0.5], [float("nan")], [0.5, 0.5]])
def test_few_or_odd_epochs_have_a_panel_too(results, losses):
    results.run(RUNNING, *losses)
    for panel in panels(results.states()[RUNNING].history):
        assert len(panel["up"]) >= 2
        assert panel["across"][0][1] == "1"


needs_browser = pytest.mark.skipif(not CHROMIUM, reason="needs chromium")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@needs_browser
@pytest.mark.parametrize("look", [(1200, "light"), (1200, "dark"), (390, "light")], ids=str)
def test_the_page_fits_and_says_what_runs(browser, page, look):
    width, scheme = look
    browser.open(page, width, scripts=False, prefers_color_scheme=scheme)
    asked = [event for event in browser.events if event["method"] == "Network.requestWillBeSent"]
    assert len(asked) == 1
    seen = browser.run("""(() => {
        const root = document.documentElement, line = document.querySelector("polyline.validation");
        return {
            overflow: root.scrollWidth - root.clientWidth, text: document.body.innerText,
            labels: [...document.querySelectorAll("svg")].map(svg => svg.getAttribute("aria-label")),
            points: line.points.length, colour: getComputedStyle(line).stroke, fill: getComputedStyle(line).fill,
            dots: document.querySelectorAll("circle").length, bold: document.querySelectorAll("li b").length,
            left: Math.min(...[...document.querySelectorAll("svg")].map(svg => svg.getBoundingClientRect().left)),
        };
    })()""")
    assert seen["overflow"] == 0
    assert seen["left"] >= 0
    assert seen["labels"] == [
        f"{metric} of ViT, MixUp + RandAugment, seed {seed} over its epochs"
        for seed in (0, 1)
        for metric in ("loss", "accuracy")
    ]
    assert (seen["points"], seen["dots"]) == (3, 4)
    assert seen["colour"] == ("rgb(86, 180, 233)" if scheme == "dark" else "rgb(0, 114, 178)")
    assert seen["fill"] == "none"
    for words in (
        "quick study, 12 runs",
        "says nothing about the report",
        "7 waiting, 3 running, 1 failed, 1 finished; likely end ",
        "epoch 3 of 3 at most; best validation accuracy 80.00 % in epoch 2; 1,400 images/s; likely end ",
        "<b>no room</b> on the disk",
        "1/3 81.23 %",
    ):
        assert words in seen["text"]
    assert seen["bold"] == 1  # the word "failed", not the reason's


@needs_browser
def test_the_page_loads_itself_again(browser, page, results):
    browser.open(page, 1200)
    assert browser.run("document.querySelector('polyline').points.length") == 3
    results.checkpoint(RUNNING, 0.5, 0.4, 0.45, 0.3)
    write(results, page)
    deadline = time.monotonic() + 10 * SECONDS
    while browser.run("document.querySelector('polyline')?.points.length") != 4:
        assert time.monotonic() < deadline
        time.sleep(0.2)
