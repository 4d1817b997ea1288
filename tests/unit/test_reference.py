"""Publishing finished runs, and checking others against them, on fabricated runs of known correctness."""

import copy
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fashion.errors import UserError
from fashion.records.run import finished_runs
from fashion.reference import compare, publish, verdicts
from fashion.reference.compare import AGREES, DISAGREES, OTHER, UNDECIDED, check
from fashion.study.definition import Study, resolve
from fashion.study.run_folder import RECORDS
from helpers.checkout import REPORT, ROOT
from helpers.runs import FakeRun, make_history

IMAGES = 10_000
# How hard each test image is: a model of accuracy 0.9 is right on all below 0.9.
DIFFICULTY = np.random.default_rng(0).permutation(np.arange(IMAGES) / IMAGES)


@pytest.fixture
def study(config) -> Study:
    """Two models, two augmentations, three seeds."""
    config["studies"]["report"] |= {"models": ["vit", "vgg8"], "augmentations": ["none", "both"]}
    return resolve(config, "report")


def finish(
    results: Path,
    spec: dict,
    accuracy: float = 0.9,
    commit: str | None = "c0ffee",
    images: int = IMAGES,
    augmented: float | None = None,
) -> Path:
    """Write what a finished run leaves, weights too; returns its folder."""
    facts = {"right": DIFFICULTY[:images] < accuracy, "history": make_history([0.5, 0.4], layers=2, seconds=1800)}
    if augmented is not None:
        facts["augmented"] = DIFFICULTY[:images] < augmented
    provenance = {"commit": commit, "device": "a GPU", "driver": "1.0", "gpu": {"shared": 0}}
    return FakeRun(spec, results / "runs", provenance=provenance, **facts).write()


def finish_all(results: Path, study: Study, **settings) -> Path:
    for spec in study.specs.values():
        finish(results, spec, **settings)
    return results


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def draw(results: Path, *names: str) -> None:
    for name in names:
        (results / name).parent.mkdir(exist_ok=True)
        if name.endswith(".png"):
            Image.new("L", (1, 1)).save(results / name)
        else:
            (results / name).write_text(f"{results.name} {name}")


def test_a_whole_study_is_published_without_weights_and_predictions(study, tmp_path):
    results = finish_all(tmp_path / "results", study)
    draw(results, "figures/ext04_confusion.png", "figures/ext04_confusion.svg", "figures/fig01_samples.png")
    draw(results, "figures/fig03_vgg8_diagram.png", "tables/per_class.md")
    assert publish.publish(study, REPORT, results, tmp_path / "reference") == []
    published = files(tmp_path / "reference")
    runs = [name for name in published if name.startswith("runs/")]
    assert {Path(name).name for name in runs} == {*RECORDS, "correct.npy"}
    assert len(runs) == 12 * 5
    assert published.keys() - set(runs) == {
        "README.md",
        "figures/ext04_confusion.png",
        "figures/fig01_samples.png",
        "figures/fig03_vgg8_diagram.png",
        "figures/fig04_vgg8_curves.png",
        "figures/fig14_vit_curves.png",
        *(f"tables/{name}.{end}" for name in ("claims", "statements", "deviations") for end in ("csv", "md")),
        "tables/per_class.md",
        "tables/comparison.csv",
        "tables/comparison.md",
    }
    assert sum(len(content) for name, content in published.items() if not name.endswith(".png")) < 160_000
    page = published["README.md"].decode()
    for said in (
        "12 of the study's 12",
        "commit c0ffee",
        "a GPU, driver 1.0",
        "torch 2.11.0",
        "12.0 hours",
        "90.00 %",
    ):
        assert said in page
    assert "Not finished yet" not in page
    comparison = pd.read_csv(tmp_path / "reference/tables/comparison.csv")
    assert list(comparison["model"] + " " + comparison["augmentation"]) == [
        "vit none",
        "vit both",
        "vgg8 none",
        "vgg8 both",
    ]
    assert (comparison["seeds"] == 3).all()


def test_the_page_says_what_changes_without_test_images_that_nearly_are_training_images(study, tmp_path):
    results = finish_all(tmp_path / "results", study)
    (results / "tables").mkdir()
    (results / "tables/duplicates.csv").write_text("test_image,train_image,difference\n5,7,0.5\n")
    publish.publish(study, REPORT, results, tmp_path / "reference")
    assert (
        "test images left out: 1; largest change of a run's accuracy: "
        in (tmp_path / "reference/README.md").read_text()
    )
    table = pd.read_csv(tmp_path / "reference/tables/without_duplicates.csv")
    assert table["value"].tolist()[::2] == ["1", "none of 15"]


def test_the_same_results_give_the_same_bytes(study, tmp_path):
    results = finish_all(tmp_path / "results", study)
    first, second = tmp_path / "first", tmp_path / "second"
    for reference in (first, second, second):
        publish.publish(study, REPORT, results, reference)
    assert files(first) == files(second)
    assert {path.name for path in tmp_path.iterdir()} == {"results", "first", "second"}


def test_which_images_were_right_survives(study, tmp_path):
    # A number of images that is no multiple of eight.
    results, spec = tmp_path / "results", study.specs["vit", "both", 0]
    finish(results, spec, accuracy=0.8, images=1001)
    publish.publish(study, REPORT, results, tmp_path / "reference")
    (run,) = finished_runs(tmp_path / "reference").values()
    assert (run.correct == (DIFFICULTY[:1001] < 0.8)).all()


def test_what_is_not_finished_or_of_other_settings_is_missing_and_named(study, tmp_path):
    results = tmp_path / "results"
    finish(results, study.specs["vit", "both", 0])
    (finish(results, study.specs["vit", "both", 1]) / "metrics.json").unlink()
    other = copy.deepcopy(study.specs["vit", "both", 2])
    other["training"]["epochs"] = 3
    finish(results, other)
    trained_again = finish(results, study.specs["vgg8", "both", 0])
    provenance = json.loads((trained_again / "provenance.json").read_text())
    (trained_again / "provenance.json").write_text(json.dumps(provenance | {"weights": "of another training"}))
    draw(results, "tables/per_class.md", "figures/ext04_confusion.png", "figures/fig14_vit_curves.png")
    missing = publish.publish(study, REPORT, results, tmp_path / "reference")
    assert set(missing) == study.specs.keys() - {("vit", "both", 0)}
    published = files(tmp_path / "reference")
    # Both would say more than the published run.
    assert not {"tables/per_class.md", "figures/ext04_confusion.png"} & published.keys()
    # This one is drawn of the published run alone.
    assert published["figures/fig14_vit_curves.png"].startswith(b"\x89PNG")
    page = published["README.md"].decode()
    assert "1 of the study's 12" in page
    assert re.search(r"\| ViT +\| .*\| 1, 2 +\|", page), page[page.index("issing") - 200 :][:900]
    assert "Where there is one seed" in page


def test_two_machines_share_a_study(study, tmp_path):
    for machine, model in (("one", "vit"), ("other", "vgg8")):
        for key, spec in study.specs.items():
            if key[0] == model:
                finish(tmp_path / machine, spec, commit=None)
        draw(tmp_path / machine, f"figures/fig{'14' if model == 'vit' else '04'}_{model}_curves.png")
        # By way of a reference, as an archive from that machine is one.
        publish.publish(study, REPORT, tmp_path / machine, tmp_path / f"from_{machine}", commit=f"of {machine}")
        missing = publish.publish(study, REPORT, tmp_path / f"from_{machine}", tmp_path / "reference")
    assert missing == []
    published = files(tmp_path / "reference")
    assert {"figures/fig14_vit_curves.png", "figures/fig04_vgg8_curves.png"} <= published.keys()
    assert "commit of one (6 runs); commit of other (6 runs)" in published["README.md"].decode()


def test_a_failure_leaves_the_reference_as_it_was(study, tmp_path, monkeypatch):
    results, reference = finish_all(tmp_path / "results", study), tmp_path / "reference"
    publish.publish(study, REPORT, results, reference)
    before = files(reference)
    finish_all(results, study, accuracy=0.5)
    monkeypatch.setattr(publish, "write_text", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        publish.publish(study, REPORT, results, reference)
    assert files(reference) == before
    assert {path.name for path in tmp_path.iterdir()} == {"results", "reference"}


def test_nothing_finished_is_no_reference(study, tmp_path):
    with pytest.raises(UserError, match="no finished run of the study report"):
        publish.publish(study, REPORT, tmp_path / "results", tmp_path / "reference")
    assert not (tmp_path / "reference").exists()


NOISE = (-0.002, 0.0, 0.002)


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ((0.9, 0.9, 0.9), AGREES),
        ((0.9 + NOISE[0], 0.9, 0.9 + NOISE[2]), AGREES),
        ((0.903, 0.904, 0.905), AGREES),
        ((0.88, 0.9, 0.92), UNDECIDED),
        ((0.91, 0.912, 0.911), UNDECIDED),
        ((0.916, 0.917, 0.918), DISAGREES),
        ((0.884, 0.883, 0.882), DISAGREES),
    ],
)
def test_the_verdict_on_both_sides_of_the_tolerance(accuracies, verdict, study, tmp_path):
    for seed, accuracy in enumerate(accuracies):
        spec = study.specs["vit", "both", seed]
        finish(tmp_path / "own", spec, accuracy)
        finish(tmp_path / "reference", spec, 0.9)
    (row,) = check(tmp_path / "own", tmp_path / "reference").to_dict("records")
    assert row["verdict"] == verdict
    assert row["difference"] == pytest.approx(np.mean(accuracies) - 0.9)
    assert row["low"] <= row["difference"] <= row["high"]
    assert (row["seeds"], row["test_images"]) == (3, IMAGES)
    assert row["only_one_right"] == pytest.approx(np.mean(np.abs(np.array(accuracies) - 0.9)))


def test_pairing_by_image_sees_what_two_independent_accuracies_would_not(study, tmp_path):
    spec = study.specs["vit", "both", 0]
    finish(tmp_path / "own", spec, 0.888)
    finish(tmp_path / "reference", spec, 0.9)
    (row,) = check(tmp_path / "own", tmp_path / "reference").to_dict("records")
    # Independent, the interval would be plus or minus 0.86 points.
    assert row["high"] - row["low"] < 0.005


def test_one_far_row_of_many_disagrees_and_chance_does_not(study, tmp_path):
    """Just outside the tolerance at 5 %, a row alone disagrees; as one of four it does not."""
    for key, spec in study.specs.items():
        finish(tmp_path / "reference", spec, 0.9)
        if key[2] == 0:
            finish(tmp_path / "own", spec, 0.9127 if key[:2] == ("vit", "both") else 0.9)
    rows = check(tmp_path / "own", tmp_path / "reference")
    assert list(rows["verdict"]) == [AGREES, AGREES, UNDECIDED, AGREES]
    for folder in (tmp_path / "own", tmp_path / "reference"):
        for path in folder.glob("runs/*/*/seed*"):
            if "vit/both" not in str(path):
                (path / "metrics.json").unlink()
    assert list(check(tmp_path / "own", tmp_path / "reference")["verdict"]) == [DISAGREES]


def test_other_settings_are_named_and_decide_nothing(study, tmp_path):
    spec = study.specs["vit", "both", 0]
    finish(tmp_path / "reference", spec, 0.9)
    mine = copy.deepcopy(spec) | {"study": "mine"}
    finish(tmp_path / "own", mine, 0.9)
    assert list(check(tmp_path / "own", tmp_path / "reference")["verdict"]) == [AGREES]
    mine["training"]["epochs"] = 3
    finish(tmp_path / "own", mine, 0.5, images=1000)
    (row,) = check(tmp_path / "own", tmp_path / "reference").to_dict("records")
    assert row["verdict"] == OTHER
    assert row["settings"] == "training.epochs 100 -> 3"
    assert row["test_images"] == 1000


def run_compare(monkeypatch, tmp_path) -> None:
    folders = ("--own", str(tmp_path / "own"), "--reference", str(tmp_path / "reference"))
    monkeypatch.setattr(sys, "argv", ["fashion.reference.compare", *folders])
    compare.main()


def test_compare_says_which_disagree(study, tmp_path, monkeypatch, capsys):
    for seed in (0, 1, 2):
        for augmentation, accuracy in (("none", 0.9), ("both", 0.8)):
            spec = study.specs["vit", augmentation, seed]
            finish(tmp_path / "own", spec, accuracy)
            finish(tmp_path / "reference", spec, 0.9)
    with pytest.raises(UserError, match=r"1 of 2 disagree with .*reference: vit both"):
        run_compare(monkeypatch, tmp_path)
    assert "-10.00 points" in capsys.readouterr().out


def test_compare_with_nothing_in_common(study, tmp_path, monkeypatch):
    finish(tmp_path / "own", study.specs["vit", "both", 0])
    finish(tmp_path / "reference", study.specs["vit", "both", 1])
    with pytest.raises(UserError, match="nothing to compare: of 1 finished runs"):
        run_compare(monkeypatch, tmp_path)


def test_runs_on_different_data_are_not_compared(study, tmp_path, monkeypatch):
    for side in ("own", "reference"):
        run = finish(tmp_path / side, study.specs["vit", "both", 0])
    provenance = json.loads((run / "provenance.json").read_text())
    (run / "provenance.json").write_text(json.dumps(provenance | {"dataset": {"train-images-idx3-ubyte": "0"}}))
    with pytest.raises(UserError, match=r"nothing to compare: .* have a run on different data, vit both seed 0$"):
        run_compare(monkeypatch, tmp_path)


def test_a_published_run_keeps_both_its_tests_and_is_set_beside_the_published_number(config, tmp_path):
    config["studies"]["published"] |= {"models": ["published_vgg8"], "seeds": [0]}
    study, results = resolve(config, "published"), tmp_path / "results"
    for (_, augmentation, _), spec in study.specs.items():
        finish(results, spec, accuracy=0.92, augmented=0.9 if augmentation == "both" else None)
    publish.publish(study, REPORT, results, tmp_path / "reference")
    run = finished_runs(tmp_path / "reference")["published_vgg8", "both", 0]
    assert (run.correct.mean(), run.correct_of("augmented_").mean()) == (0.92, 0.9)
    repeats = pd.read_csv(tmp_path / "reference/tables/repeats.csv").set_index("run")
    assert repeats.loc["P13", ["reported_accuracy", "accuracy", "clean_accuracy"]].tolist() == [0.9178, 0.9, 0.92]
    assert repeats.loc["P10", ["reported_accuracy", "accuracy", "clean_accuracy"]].tolist() == [0.9134, 0.92, 0.92]
    page = (tmp_path / "reference/README.md").read_text()
    assert "The published runs, repeated" in page
    assert "figures/ext11_repeats.png" in page


def test_where_the_results_lay_on_a_machine_is_not_published(study, tmp_path):
    key = ("vit", "both", 0)
    results = tmp_path / "elsewhere/report"
    run = finish(results, study.specs[key])
    provenance = json.loads((run / "provenance.json").read_text())
    command = ["python", "-m", "fashion.training.train", "--data", f"{tmp_path}/elsewhere/data/fashion_mnist.npz"]
    (run / "provenance.json").write_text(json.dumps(provenance | {"command": [*command, "--output", str(run)]}))
    publish.publish(study, REPORT, results, tmp_path / "reference")
    (published,) = finished_runs(tmp_path / "reference").values()
    told = [*command[:4], "results/data/fashion_mnist.npz", "--output", "results/report/runs/vit/both/seed0"]
    assert published.provenance == provenance | {"command": told}


def test_model_or_training_is_told_from_the_published_runs_of_whichever_seeds(config, tmp_path):
    study, results = resolve(config, "published"), tmp_path / "results"
    cells = {key: spec for key, spec in study.specs.items() if "baseline" in key[0] or "vgg8" in key[0]}
    cells = {key: spec for key, spec in cells.items() if key[1:] in (("both", 0), ("light", 0), ("light", 1))}
    for (model, *_), spec in cells.items():
        finish(results, spec, accuracy=0.92 if model == "baseline_42000" else 0.9)
    publish.publish(study, REPORT, results, tmp_path / "reference")
    effects = pd.read_csv(tmp_path / "reference/tables/factorial.csv").set_index("measure")
    assert effects.loc["both", ["value", "seeds"]].tolist() == [pytest.approx(0.02), "2 + 1"]
    page = (tmp_path / "reference/README.md").read_text()
    assert "## Model or training?" in page
    assert "![Model or training?](figures/ext12_effects.png)" in page


@pytest.mark.parametrize(("name", "cell"), [("README.md", verdicts.brief), ("docs/answer.md", verdicts.whole)])
def test_the_documents_have_the_answer_that_the_references_give(name, cell, tmp_path):
    page = tmp_path / "page.md"
    page.write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    verdicts.insert(page, verdicts.answer(ROOT / "docs/reference", REPORT.readings, cell))
    assert page.read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"verdict": "holds", "provisional": True, "text": "+3 points"}, "✓ **holds** (provisional): +3 points"),
        ({"verdict": "holds in part", "provisional": False, "text": "84 %"}, "◐ **holds in part**: 84 %"),
        ({"verdict": "fails", "provisional": False, "text": "84 %"}, "✗ **fails**: 84 %"),
        ({"verdict": "open", "decided": 1, "parts": 3, "text": "+1"}, "○ open, 1 of 3 parts decided: so far +1"),
        ({"verdict": "open", "decided": 0, "parts": 1, "text": ""}, "○ open, 0 of 1 parts decided"),
    ],
)
def test_the_readme_has_a_few_words_on_a_claim(claim, words):
    assert verdicts.brief(pd.Series(claim)) == words


def test_a_page_without_a_place_for_the_answer_is_refused(tmp_path):
    (tmp_path / "page.md").write_text("# A page")
    with pytest.raises(UserError, match="put <!-- answer"):
        verdicts.insert(tmp_path / "page.md", "the answer")


def test_without_a_reference_or_a_page_there_is_no_answer(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="make publish"):
        verdicts.answer(tmp_path, REPORT.readings, verdicts.brief)
    monkeypatch.setattr(sys, "argv", ["fashion.reference.verdicts", "--page", str(tmp_path / "README.md")])
    with pytest.raises(UserError, match="no page to write the answer into"):
        verdicts.main()
