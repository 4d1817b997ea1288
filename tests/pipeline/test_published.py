"""The published protocol, with models that diverge: they are results like others, and every table and figure copes."""

import json
import re

import pandas as pd
import pytest
import yaml

from helpers.checkout import ROOT

REPORTED = yaml.safe_load((ROOT / "workflow/report/reported.yaml").read_text())
WHOLE, DIVERGING = ["published_resnet18", "published_vit_simplified"], ["published_vgg12", "published_vgg8"]


@pytest.fixture(scope="module")
def finished(make_study):
    """A finished study under the published protocol, of which two models diverge, one of them published."""
    study, config = make_study(WHOLE + DIVERGING)
    config["training"] |= {"validation": "augmented", "tested_weights": "last"}
    config["studies"]["tiny"] |= {"augmentations": ["none", "both"], "reading": "as_published"}
    config["models"]["published_vgg12"]["augmentations"] = ["both"]
    for model in DIVERGING:
        config["models"][model]["training"] = {"learning_rate": 1e30}
    study.configure(config)
    done = study.snakemake()
    assert done.returncode == 0, done.stdout
    assert study.planned() == {}
    assert "Warning:" not in "".join(path.read_text() for path in study.folder.glob("results/tiny/logs/**/*.log"))
    return study, config


@pytest.fixture
def results(finished):
    study, _ = finished
    return study.folder / "results/tiny"


def test_published_runs_are_repeated_under_their_own_protocol(finished):
    study, _ = finished
    repeats = pd.read_csv(study.folder / "results/tiny/tables/repeats.csv").set_index("run")
    assert list(repeats.index) == ["P2", "P10", "P12", "P13", "P15"]
    assert list(repeats["tested_on"]) == ["clean"] * 3 + ["RandAugmented"] * 2
    assert (repeats["verdict"] == "open").all()
    assert repeats["why_open"].str.contains("train_images 60, not 60000.*1 of at least 3 seeds").all()
    for run, row in repeats.iterrows():
        reported = REPORTED[row["model"]][row["augmentation"]]
        metrics = json.loads(
            (study.folder / f"results/tiny/runs/{row['model']}/{row['augmentation']}/seed0/metrics.json").read_text()
        )
        metric = "augmented_test_accuracy" if run in ("P13", "P15") else "test_accuracy"
        assert (row["reported_accuracy"], row["accuracy"]) == (reported[metric], metrics[metric])
        assert row["clean_accuracy"] == metrics["test_accuracy"]
    page = (study.folder / "results/tiny/report.html").read_text()
    assert 'id="repeats"' in page
    assert 'id="fig17_vit_patchfree_curves"' in page


def test_each_diverging_run_says_where_and_is_evaluated(results):
    for model in WHOLE + DIVERGING:
        for run in results.glob(f"runs/{model}/*/seed*"):
            diverged = json.loads((run / "provenance.json").read_text())["diverged"]
            history = pd.read_csv(run / "history.csv")
            metrics = json.loads((run / "metrics.json").read_text())
            assert (diverged is not None) == (model in DIVERGING)
            assert history["train_loss"].iloc[:-1].notna().all()
            if diverged:
                assert diverged["learning_rate"] == 1e30
                assert diverged["epoch"] == len(history)
                assert 0 <= metrics["test_accuracy"] <= 0.3
    log = (results / "logs/published_vgg12/both/seed0.log").read_text()
    assert re.search(
        r"published_vgg12 both seed 0: diverged, loss not finite at epoch 1, step \d, learning rate 1e\+30", log
    )


def test_tables_count_them_and_say_so(results):
    comparison = pd.read_csv(results / "tables/comparison.csv").set_index("model")
    assert comparison["diverged"].to_dict() == {model: int(model in DIVERGING) for model in comparison.index}
    assert comparison["test_accuracy"].notna().all()
    for table in ("comparison", "repeats", "compute"):
        text = (results / f"tables/{table}.md").read_text()
        assert "(1 diverged)" in text, table
    statements = pd.read_csv(results / "tables/statements.csv")
    of_gradient = statements[statements["statement"].str.contains("gradient norm")].iloc[0]
    assert of_gradient["models"] == "published_vgg12"


def test_figures_and_the_page_show_them(results):
    page = (results / "report.html").read_text()
    assert "diverged: loss not finite at epoch 1, step" in page  # of the curves
    assert ">diverged<" in page  # their legend
