"""The page with the answer in Chromium: it fits, asks for nothing, and does what it offers."""

import re
from pathlib import Path

import pytest

from helpers.browser import CHROMIUM, Browser
from helpers.page import make_page, published_study, write_results

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs chromium")


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    results, study = tmp_path_factory.mktemp("results") / "published", published_study()
    write_results(results, study)
    failed = {"model": "vit", "augmentation": "both", "seeds": [0, 1], "epoch": 0, "epochs": 100, "word": "failed"}
    missing = [failed | {"reason": f"error: {'a_long_name_' * 20}"}, failed | {"reason": "", "word": "waiting"}]
    return make_page(*(study, results, results / "reference/report/tables"), partial={"planned": 20, "runs": missing})


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


LOOKS = {
    "a wide window": (1200, {}),
    "a telephone": (390, {}),
    "a telephone without scripts": (390, {"scripts": False}),
    "a wide window in the dark": (1200, {"prefers_color_scheme": "dark"}),
    "paper": (703, {"media": "print"}),  # A4 without its margins
}


def silent(browser: Browser) -> bool:
    """Whether the page loaded nothing beyond itself, and nothing went wrong."""
    asked = [event for event in browser.events if event["method"] == "Network.requestWillBeSent"]
    assert [one for one in asked if not one["params"]["request"]["url"].startswith("data:")] == asked[:1]
    wrong = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    assert [event for event in browser.events if event["method"] in wrong] == []
    return True


@pytest.mark.parametrize("look", LOOKS)
def test_the_page_fits_and_asks_for_nothing(browser, page, look):
    width, settings = LOOKS[look]
    browser.open(page, width, **settings)
    assert silent(browser)
    seen = browser.run("""(() => {
        for (const fold of document.querySelectorAll("details")) fold.open = true;
        const root = document.documentElement, small = document.querySelector(".picture circle");
        const names = [...document.querySelectorAll("tbody th")].map(name => name.getBoundingClientRect().left);
        return {
            width: innerWidth, overflow: root.scrollWidth - root.clientWidth,
            tools: document.querySelectorAll(".tools").length,
            ink: getComputedStyle(small).fill, text: getComputedStyle(document.body).color,
            empty: [...document.images].filter(image => !image.naturalWidth || !image.alt).length,
            leftmost: Math.min(...names),
        };
    })()""")
    assert seen["width"] == width
    assert seen["overflow"] <= 0, "the page is wider than the window"
    assert seen["empty"] == 0
    assert seen["leftmost"] >= 0
    assert bool(seen["tools"]) == settings.get("scripts", True)
    light = sum(map(int, re.findall(r"\d+", seen["text"]))) > 3 * 128
    assert light == ("prefers_color_scheme" in settings)
    assert seen["ink"] == seen["text"], "a figure's ink is the page's"


def numbers_by_size(name: str) -> list[str]:
    """By what `name` is sorted: VGG8 comes before VGG12."""
    return [part.rjust(9, "0") if part.isdigit() else part for part in re.split(r"(\d+)", name.casefold())]


def test_tables_are_sorted_and_filtered(browser, page):
    browser.open(page, 1200)
    browser.run("""window.table = document.querySelector("#comparison table");
        window.column = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent.startsWith("parameters"));
        window.shown = column => [...table.rows].slice(1).filter(row => row.offsetHeight)
            .map(row => row.cells[column].textContent); 0""")
    click = "table.tHead.rows[0].cells[{}].firstChild.click(); shown({})"
    first = browser.run("shown(column)")
    counts = [int(text.split()[0].replace(",", "")) for text in first]
    assert counts != sorted(counts)
    for order in (sorted(counts, reverse=True), sorted(counts), counts):
        sorted_ones = browser.run(click.format("column", "column"))
        assert [int(text.split()[0].replace(",", "")) for text in sorted_ones] == order
    assert browser.run(click.format(0, 0)) == sorted(browser.run("shown(0)"), key=numbers_by_size)
    filtered = browser.run("""(() => {
        const tools = document.querySelector("#comparison .tools"), input = tools.querySelector("input");
        input.value = "VIT mixup";
        input.dispatchEvent(new Event("input"));
        return [shown(0), tools.textContent];
    })()""")
    assert filtered[0]
    assert all("ViT" in name for name in filtered[0])
    assert filtered[1] == f"{len(filtered[0])} of {len(counts)} rows"
    assert silent(browser)


def test_links_lead_from_a_claim_to_a_figure_and_back(browser, page):
    browser.open(page, 1200)
    follow = """(async () => {{
        document.querySelector({!r}).click();
        await new Promise(done => setTimeout(done, 50));
        const target = document.querySelector(":target"), {{ top, height }} = target.getBoundingClientRect();
        return [target.id, height > 0 && top >= -1 && top < innerHeight];
    }})()"""
    figure = "fig04_vgg8_curves"
    for link, target in (
        ('.tally a[href="#C8"]', "C8"),
        (f'#C8 a[href="#{figure}"]', figure),
        (f'#{figure} a[href="#C8"]', "C8"),
    ):
        assert browser.run(follow.format(link)) == [target, True]
    assert browser.run("""document.getElementById("C8").open""")
    browser.run("""location.hash = "per_class"; 0""")
    assert browser.run("""new Promise(done => setTimeout(() => done(document.getElementById("per_class").open), 50))""")
    assert silent(browser)


def test_figures_are_enlarged_and_say_their_values(browser, page):
    browser.open(page, 1200)
    sizes = browser.run("""(() => {
        const figure = document.getElementById("fig03_vgg8_diagram"), picture = figure.querySelector("svg");
        const dialog = document.querySelector("dialog"), tip = document.querySelector(".tip");
        const width = () => Math.round(picture.getBoundingClientRect().width);
        const sizes = [width()];
        figure.querySelector(".enlarge").click();
        sizes.push(width());
        const mark = picture.querySelector("[tabindex]"), { x, y, height } = mark.getBoundingClientRect();
        mark.focus();
        sizes.push(tip.textContent, tip.hidden, dialog.contains(tip));
        mark.blur();
        sizes.push(tip.hidden);
        dispatchEvent(new PointerEvent("pointermove", { clientX: x - 3, clientY: y + height / 2 }));
        sizes.push(tip.hidden);
        dialog.close();
        return sizes;
    })()""")
    small, large, *said = sizes
    assert large > small
    assert said == ["epoch 3: 0.25", False, True, True, False]
    assert browser.run("""new Promise(done => setTimeout(() => done(
        document.querySelectorAll("figure .picture svg, figure .picture img").length), 50))""") == len(
        re.findall("<figure", page.read_text(encoding="utf-8"))
    )
    assert silent(browser)


def test_all_is_open_in_print(browser, page):
    browser.open(page, 1200)
    browser.run("""window.open_ones = () => [...document.querySelectorAll("details")].filter(fold => fold.open).length;
        window.before = open_ones();
        addEventListener("beforeprint", () => { window.printed = open_ones(); }); 0""")
    browser.call("Page.printToPDF")
    before, printed, after, all_of_them = browser.run(
        """[before, printed, open_ones(), document.querySelectorAll("details").length]"""
    )
    assert before == after == 1
    assert printed == all_of_them > 6
