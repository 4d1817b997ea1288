"""The page with the answer: what it says, of fabricated tables beside the reference's."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from markupsafe import escape

from fashion.answer.bars import WIDTH, bar
from fashion.answer.claims import VERDICTS
from fashion.answer.page import PARTS, totals
from fashion.answer.pictures import inline
from fashion.answer.unfinished import unfinished
from fashion.records.progress import Progress
from fashion.records.run import Run
from fashion.study.definition import Study
from fashion.study.digest import code_digest
from fashion.study.outputs import figures, tables
from helpers.checkout import REPORT
from helpers.page import RULES, SVG, make_page, numbers, published_study, write_claims, write_results


@pytest.fixture(scope="module")
def study() -> Study:
    return published_study()


@pytest.fixture(scope="module")
def results(study, tmp_path_factory) -> Path:
    results = tmp_path_factory.mktemp("results") / "published"
    write_results(results, study)
    return results


@pytest.fixture(scope="module")
def page(study, results) -> Path:
    return make_page(study, results, results / "reference/report/tables")


@pytest.fixture(scope="module")
def html(page) -> str:
    """The page as it is read: a space before a percent sign is one that does not break."""
    return page.read_text(encoding="utf-8").replace("\N{NO-BREAK SPACE}", " ")


def rows_of(html: str, name: str) -> list[str]:
    """The rows of the tables below the element with an id, as HTML."""
    part = html[html.index(f'id="{name}"') :]
    return re.findall(r"<tr.*?</tr>", part[part.index("<tbody") : part.index("</table>")], re.DOTALL)


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", "", html).split())


def test_the_page_begins_with_the_report_and_the_answer(html):
    about, head, foot = REPORT.about, html[: html.index('id="answer"')], html[html.index('id="method"') :]
    for said in (*about["authors"], *(about[key] for key in ("title", "institution", "year", "link"))):
        assert said in head
    assert about["licence"] in foot
    assert about["reproduced"][1:] in foot
    for reading in about["readings"]:
        assert f"<b>{reading['title']}</b>: {escape(reading['means'])}." in head
    sections = re.findall(r'<section id="(\w+)">', html)
    assert sections[:5] == ["first", "answer", "figures", "beyond", "tables"]
    assert sections[5:] == ["networks", "deviations", "compute", "method"]
    assert re.findall(r'<figure id="(\w+)">', head) == ["ext11_repeats"]


def test_the_page_of_a_study_that_decides_nothing_begins_with_its_own_numbers(study, results):
    html = make_page(study, results, decides=False).read_text(encoding="utf-8")
    assert re.findall(r'<figure id="(\w+)">', html)[0] == "ext07_tradeoff"


def claims_of(html: str) -> dict[str, tuple[str, str]]:
    """Each claim's line, and what it unfolds, as HTML."""
    found = re.findall(r'<details class="claim" id="(\w+)">\s*<summary>(.*?)</summary>(.*?)</details>', html, re.DOTALL)
    return {name: (line, unfolded) for name, line, unfolded in found}


def test_each_claim_is_a_line_with_a_verdict_and_a_number_in_each_reading(html):
    claims = claims_of(html)
    assert list(claims) == list(RULES)
    for position, (name, rule) in enumerate(RULES.items()):
        line, unfolded = claims[name]
        assert rule["claim"] in text_of(line).replace("&#39;", "'")
        own, other = (VERDICTS[(position + shift) % len(VERDICTS)] for shift in (0, 1))
        assert re.findall(r'class="verdict [\w-]+">(.*?)<', line) == [
            verdict + " *" * (verdict == "holds") for verdict in (own, other)
        ]
        assert text_of(line).count(numbers(position)["text"]) == 2
        for said in (rule["place"], rule["reported"], f"One plain sentence on {name}."):
            assert said in text_of(unfolded).replace("&#39;", "'")
    assert "reference results, report" in html


def test_a_claims_parts_have_their_numbers_seeds_and_what_would_decide_them(html):
    _, unfolded = claims_of(html)["C1"]
    tables = re.findall(r"<table.*?</table>", unfolded, re.DOTALL)
    for table, reading in zip(tables, ("as_published", "as_described"), strict=True):
        parts = [text_of(part) for part in re.findall(r"<tbody>(.*?)</tbody>", table, re.DOTALL)]
        rules = RULES["C1"][reading]
        for part, rule in zip(parts, rules, strict=True):
            assert part.startswith(escape(rule["part"]) + " (essence)" * rule.get("essence", False))
        assert table.count("<svg") == table.count("<tr>") - 1
    assert "3, 5" in text_of(unfolded)
    assert "1 seed, at least 3 are needed; further seeds: 2 of a model" in text_of(claims_of(html)["C4"][1])


def test_the_number_of_false_decisions_to_expect_is_told(html):
    decided = int(re.search(r"(\d+) comparisons are decided", html)[1])
    assert f"expect up to {-(-decided // 40)} of them to be wrong by chance" in html


def test_a_reading_without_results_is_not_run_yet(study, results):
    html = make_page(study, results).read_text(encoding="utf-8")
    for line, _ in claims_of(html).values():
        assert text_of(line).endswith("not run yet")
        assert len(re.findall('class="verdict', line)) == 1


def test_a_study_that_cannot_decide_shows_the_references_verdicts(study, results, tmp_path):
    tables = tmp_path / "published/tables"
    write_claims(tables, "as_published", shift=2)
    html = make_page(study, results, tables, decides=False).read_text(encoding="utf-8")
    assert "No run of this study follows the protocol" in html
    lines = claims_of(html)
    for position, (line, _) in enumerate(lines.values()):
        assert VERDICTS[(position + 2) % len(VERDICTS)] in text_of(line)


def test_a_claim_that_a_reference_is_too_old_to_know_is_not_run_yet_there(study, results, tmp_path):
    old = tmp_path / "reference/report/tables"
    old.mkdir(parents=True)
    for name, column in (("claims", "id"), ("statements", "claim")):
        table = pd.read_csv(results / f"reference/report/tables/{name}.csv")
        table[table[column] != "C15"].to_csv(old / f"{name}.csv", index=False)
    lines = claims_of(make_page(study, results, old).read_text(encoding="utf-8"))
    assert [name for name, (line, _) in lines.items() if text_of(line).endswith("not run yet")] == ["C15"]


def test_an_interval_bar_is_to_scale():
    row = {"measured": 0.912, "low": 0.906, "high": 0.918, "needs_low": 0.90, "needs_high": 0.928}
    shown = bar(row)
    scale = (shown["high"] - shown["low"]) / (row["high"] - row["low"])
    for one in row:
        assert shown[one] - shown["low"] == pytest.approx(scale * (row[one] - row["low"]), abs=0.11)
        assert 0 < shown[one] < WIDTH
    assert shown["needs_low"] + shown["needs_high"] == pytest.approx(WIDTH, abs=0.11)


def test_an_interval_bar_leaves_out_what_is_not_there():
    row = {"measured": 0.02, "low": None, "high": None, "needs_low": 0.0, "needs_high": None}
    assert bar(row).keys() == {"measured", "needs_low", "needs_high"}
    assert 0 < bar(row)["needs_low"] < bar(row)["measured"] < bar(row)["needs_high"] == WIDTH
    counted = {"measured": 0, "low": 0, "high": 0, "needs_low": None, "needs_high": 0}
    assert bar(counted) == {"measured": 80, "low": 80, "high": 80, "needs_low": 0, "needs_high": 80}
    assert bar({**row, "measured": None}) is None


def test_a_figure_becomes_part_of_the_page_with_ids_of_its_own():
    drawn = inline(SVG, "fig04", 'VGG8 "plain"')
    assert re.findall(r'\sid="([^"]*)"', drawn) == ["fig04-m1", "fig04-p1", "fig04-figure_1"]
    assert "url(#fig04-p1)" in drawn
    assert 'xlink:href="#fig04-m1"' in drawn
    assert drawn.startswith('<svg role="group" aria-label="VGG8 &#34;plain&#34;" xmlns')
    assert not re.search("<[?!]|metadata|<style", drawn)


def test_the_page_is_one_file_whose_links_lead_somewhere(html, study):
    ids = Counter(re.findall(r'\sid="([^"]*)"', html))
    assert set(ids.values()) == {1}
    links = re.findall(r'href="([^"]*)"', html)
    assert {link for link in links if link.startswith("#")} <= {f"#{name}" for name in ids}
    assert {link for link in links if not link.startswith("#")} == {
        "https://github.com/Ruin9999/clothing-classification"
    }
    assert {one.name for one in figures(study, REPORT)} <= set(ids)
    assert not re.findall(r'\ssrc="(?!data:)|url\((?!#)|@import', html)
    assert html.count("<img") == 1, "one SVG is too large"
    assert len(html) < 2e6


def test_which_network_made_which_number_is_told(html):
    networks = html[html.index('<section id="networks">') : html.index('<section id="deviations">')]
    for title in re.findall(r"^#+ (.*)$", REPORT.networks.read_text(), re.MULTILINE):
        assert re.search(rf"<h[23]>{re.escape(title)}</h[23]>", networks)
    assert "1,692,778" in networks


def test_claims_lead_to_the_figures_about_their_models_and_back(html, study):
    linked = {}
    for _, unfolded in claims_of(html).values():
        linked |= dict(re.findall(r'<a href="#(\w+)" title="([^"]*)">', unfolded))
    about = {one.name: escape(one.title) for one in figures(study, REPORT) if set(one.models) & study.models.keys()}
    assert about.items() <= linked.items()
    shown = re.findall(r'<figure id="(\w+)">(.*?)</figure>', html, re.DOTALL)
    assert {name for name, figure in shown if "Claims about its models" in figure} == about.keys()


def test_rows_are_in_the_configurations_order_and_numbers_on_the_right(html, study):
    for name in ("comparison", "per_class"):
        rows = rows_of(html, name)
        models = [text_of(re.search('<th scope="row">.*?</th>', row)[0]) for row in rows]
        assert list(dict.fromkeys(models)) == [study.titles["model"][name] for name in study.models]
        assert all(re.search(r"<td>(none|MixUp \+ RandAugment|flips)</td>", row) for row in rows)
    assert '<td class="number">85.0 %</td>' in html
    repeats = [text_of(re.search('<th scope="row">.*?</th>', row)[0]) for row in rows_of(html, "repeats")]
    assert repeats == sorted(repeats, key=lambda run: int(run[1:]))
    assert "a note that stands" not in html


def test_tables_and_figures_have_their_titles_and_captions(html, study, results):
    for one in tables(study, REPORT):
        if one.kind not in ("claims", "statements", "deviations"):
            assert f"<h3>{one.title}</h3>" in html or f"<h2>{one.title}</h2>" in html
            assert f"<p>{escape(one.caption)}</p>" in html
    for one in figures(study, REPORT):
        figure = html[html.index(f'<figure id="{one.name}">') :].partition("</figure>")[0]
        assert f"<h3>{one.title}</h3>" in figure
        assert f"<figcaption>\n<p>{escape(one.caption)}</p>" in figure
        assert (f"In the report: {escape(one.quoted['caption'])}</p>" in figure) if one.number else not one.quoted
        assert f"“{escape(one.quoted['text'])}”" in figure if "text" in one.quoted else "blockquote" not in figure
    comparison = pd.read_csv(results / "tables/comparison.csv").set_index(["model", "augmentation"])
    accuracy = comparison.loc[("published_vgg8", "both"), "augmented_test_accuracy"]
    said = f"accuracy on RandAugmented test images {100 * accuracy:.2f} % (reported 91.78 %)"
    assert said in text_of(html)


def test_the_time_that_the_report_prints_is_that_of_some_trainings(html, study):
    pairs = len({run[:2] for run in study.specs})
    assert f"They are of {pairs} pairs of a model and an augmentation." in text_of(html)
    assert f"For these the report has {pairs - 1} training times, 12,345 s in all." in text_of(html)


def test_times_are_counted_once_whatever_the_seeds():
    row = {"device": "a", "augmentation": "both", "reported_seconds": 7.0}
    rows = [{**row, "model": model} for model in ("vit", "vit", "all")]
    rows += [{**row, "model": model, "device": "b", "reported_seconds": None} for model in ("vgg8", "all")]
    assert [(one["device"], one["pairs"], one["timed"]) for one in totals(pd.DataFrame(rows))] == [
        ("a", 1, 1),
        ("b", 1, 0),
    ]


def test_a_page_of_partial_results_names_what_is_missing_at_its_top(study, results):
    unfinished = [
        {"model": model, "augmentation": "both", "seeds": seeds, "word": word, "reason": reason, "epoch": epoch}
        for model, seeds, word, reason, epoch in [
            ("published_vgg8", [1, 3], "failed", "error: <no> memory", 0),
            ("published_vit_5x8", [0], "running", "", 12),
            ("published_vit_5x8", [1], "running", "", 0),
            ("published_resnet18", [0], "stopped", "", 7),
            ("published_vgg6", [0, 1, 2], "waiting", "", 0),
            ("published_vgg6", [3], "waiting", "", 50),
        ]
    ]
    html = make_page(study, results, partial={"planned": 20, "runs": [row | {"epochs": 100} for row in unfinished]})
    html = html.read_text(encoding="utf-8")
    part = html[html.index('<section id="partial"') : html.index("</header>")]
    said = text_of(part)
    assert said.startswith("Partial results: 11 of 20 runs have finished As of ")
    for heading, *rows in [
        ("Failed", "VGG8 with MixUp + RandAugment, seeds 1, 3: error: &lt;no&gt; memory"),
        (
            "Running",
            "ViT of 5 layers with MixUp + RandAugment, seed 0: epoch 12 of at most 100 has ended",
            "ViT of 5 layers with MixUp + RandAugment, seed 1: in the first epoch",
        ),
        (
            "Stopped, to be taken up where they were",
            "ResNet18 with MixUp + RandAugment, seed 0: after epoch 7 of at most 100",
        ),
        (
            "Waiting: 4 runs",
            "VGG6 (reconstructed) with MixUp + RandAugment, seeds 0, 1, 2",
            "VGG6 (reconstructed) with MixUp + RandAugment, seed 3: trained, to be evaluated",
        ),
    ]:
        assert " ".join([heading, *rows]) in said
    assert "<title>Fashion-MNIST Clothing Classification, reproduced (published study, partial)" in html
    assert html.index('id="partial"') < html.index('id="answer"')


def test_runs_without_a_result_are_named_once_for_all_their_seeds(study):
    failed = Progress(word="failed", reason="error: memory")
    running = Progress(word="running", history=pd.DataFrame({"epoch": [1, 2]}))
    run = next(iter(study.specs))
    states = dict.fromkeys(study.specs, Progress(word="finished")) | {run: running}
    assert unfinished(study, states) == [
        {
            "model": run[0],
            "augmentation": run[1],
            "seeds": [run[2]],
            "word": "running",
            "reason": "",
            "epoch": 2,
            "epochs": 100,
        }
    ]
    other = replace(study, specs={(*run[:2], seed): study.specs[run] for seed in range(3)})
    states = dict.fromkeys(other.specs, failed) | {(*run[:2], 1): running}
    assert [(row["word"], row["seeds"]) for row in unfinished(other, states)] == [("failed", [0, 2]), ("running", [1])]
    # One that diverged is a result; one that is trained and not evaluated is not, whatever it left.
    words = zip(other.specs, ("diverged", "waiting", "finished"), strict=True)
    states = {key: Progress(word=word, run=Run(Path())) for key, word in words}
    assert [(row["word"], row["seeds"]) for row in unfinished(other, states)] == [("waiting", [1])]


def test_the_page_is_stale_when_a_part_of_it_changes():
    assert {f"fashion.answer/{part}" for part in PARTS} <= code_digest("fashion.answer.page").keys()
