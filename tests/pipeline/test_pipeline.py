"""The whole DAG: the jobs it plans, the files it leaves, and how it fails."""

import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml

from helpers.checkout import ROOT

FIGURES = 4 + 6 + 9 + 1 + 7  # samples and previews, diagrams, curves, the log, overviews

REPORTED = yaml.safe_load((ROOT / "workflow/report/reported.yaml").read_text())
TABLES = ("table1_classes", "table2_operations", "table3_hyperparameters")
TABLES += ("comparison", "per_class", "calibration", "ablation", "compute", "claims", "statements", "deviations")
TABLES += ("duplicates", "without_duplicates")

JOBS = ("dataset", "samples", "diagrams", "curves", "overviews", "tables", "claims", "page")


def test_the_jobs_of_a_study_that_has_nothing_yet(whole):
    assert whole.jobs == {**dict.fromkeys(JOBS, 1), "train": 9}


def test_every_run_leaves_its_whole_record(whole):
    study, config = whole.study, whole.config
    for model in config["models"]:
        run = study.folder / f"results/tiny/runs/{model}/both/seed0"
        assert sorted(path.name for path in run.iterdir()) == [
            "history.csv",
            "metrics.json",
            "model.safetensors",
            "predictions.npz",
            "provenance.json",
            "spec.json",
        ]
        spec = json.loads((run / "spec.json").read_text())
        assert (spec["model"]["name"], spec["augmentation"]["name"], spec["seed"]) == (model, "both", 0)
        assert len(pd.read_csv(run / "history.csv")) == 2
        with np.load(run / "predictions.npz") as predictions:
            assert predictions["logits"].shape == (20, 10)
    assert not list(study.folder.glob("results/**/.*")), "a temporary file is left"


def test_every_figure_is_a_picture_and_says_its_study(whole):
    study = whole.study
    figures = study.folder / "results/tiny/figures"
    names = sorted(path.stem for path in figures.glob("*.png"))
    assert len(names) == FIGURES
    assert names == sorted(path.stem for path in figures.glob("*.svg"))
    for name in names:
        assert (figures / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert ElementTree.parse(figures / f"{name}.svg").getroot().tag.endswith("svg")
    for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17):
        assert sum(name.startswith(f"fig{number:02}_") for name in names) == 1


def test_tables_say_what_was_measured_beside_what_was_reported(whole):
    study, config = whole.study, whole.config
    tables = study.folder / "results/tiny/tables"
    for name in TABLES:
        assert (tables / f"{name}.csv").exists()
        assert "tiny study, a test" in (tables / f"{name}.md").read_text()
    comparison = pd.read_csv(tables / "comparison.csv").set_index("model")
    assert sorted(comparison.index) == sorted(config["models"])
    for model, row in comparison.iterrows():
        metrics = json.loads((study.folder / f"results/tiny/runs/{model}/both/seed0/metrics.json").read_text())
        assert row["test_accuracy"] == metrics["test_accuracy"]
        assert row["parameters"] == metrics["parameters"]
        assert row["test_accuracy_low"] <= row["test_accuracy"] <= row["test_accuracy_high"]
        assert (row["seeds"], row["train_images"], row["test_images"]) == (1, 42, 20)
        reported = REPORTED.get(model, {}).get("both", {})
        for key in ("parameters", "test_accuracy", "seconds", "seconds_per_epoch", "epochs"):
            value = row[f"reported_{key}"]
            assert value == reported[key] if key in reported else np.isnan(value)


def test_a_tiny_study_decides_only_what_needs_no_training(whole):
    study = whole.study
    claims = pd.read_csv(study.folder / "results/tiny/tables/claims.csv").set_index("id")
    assert list(claims.index) == [f"C{number}" for number in range(1, 16)]
    # Of the others, a part is counted: parameters, images.
    trained = claims.drop(["C12", "C13", "C14"])
    assert (trained["verdict"] == "open").all()
    assert trained["sentence"].str.contains("^Open: 0 of [1-9] parts decided").all()
    # The tiny dataset is balanced, too.
    assert claims["verdict"]["C14"] == "holds"


def test_the_page_has_every_figure_and_verdict_and_needs_nothing_else(whole):
    study, config = whole.study, whole.config
    page = (study.folder / "results/tiny/report.html").read_text()
    assert "Tiny study, a test" in page
    assert page.index('id="C1"') < page.index('<section id="tables">') < page.index('<section id="networks">')
    for png in (study.folder / "results/tiny/figures").glob("*.png"):
        assert f'<figure id="{png.stem}">' in page
    assert page.count('<div class="picture"><svg') + page.count('<div class="picture"><img') == FIGURES
    for model in config["models"].values():
        assert model["title"] in page
    assert not re.findall(r' src="(?!data:)', page)
    assert len(page) < 10e6


def test_tables_of_predictions_agree_with_the_metrics(whole):
    study, config = whole.study, whole.config
    tables = {
        name: pd.read_csv(study.folder / f"results/tiny/tables/{name}.csv").set_index("model")
        for name in ("comparison", "per_class", "calibration", "ablation")
    }
    for model in config["models"]:
        accuracy = tables["comparison"].loc[model, "test_accuracy"]
        assert tables["calibration"].loc[model, "accuracy"] == pytest.approx(accuracy)
        assert tables["ablation"].loc[model, "test_accuracy_both"] == pytest.approx(accuracy)
        classes = tables["per_class"].loc[model]
        recalled = (classes["recall"] * classes["test_images"]).sum() / classes["test_images"].sum()
        assert recalled == pytest.approx(accuracy)


def test_snakemakes_own_report_is_made(whole, tmp_path):
    done = whole.study.snakemake("--report", str(tmp_path / "report.html"))
    assert done.returncode == 0, done.stdout
    page = (tmp_path / "report.html").read_text()
    for category in ("Figures of the report", "Beyond the report", "Tables"):
        assert category in page


def test_a_dataset_folder_without_the_files_is_refused_in_one_line(make_study, tmp_path):
    study, config = make_study(["vit"])
    config["data"]["folder"] = str(tmp_path)
    study.configure(config)
    done = study.snakemake()
    assert done.returncode == 1
    assert str(tmp_path) in next(line for line in done.stdout.splitlines() if line.strip().startswith("error: "))
    assert not (study.folder / "results/data/fashion_mnist.npz").exists()


def test_a_bad_value_is_refused_before_any_job(make_study):
    study, config = make_study(["vit"])
    config["training"]["epochs"] = -1
    study.configure(config)
    done = study.snakemake()
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "error: config: training.epochs: -1 is less than the minimum of 1"
    assert not (study.folder / "results").exists()
