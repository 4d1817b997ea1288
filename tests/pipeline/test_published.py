"""A study in which models diverge completes: they are results like others, and every table and figure copes."""

import json
import re

import pandas as pd
import pytest

WHOLE, DIVERGING = ["vit"], ["vgg12", "published_vgg8"]


@pytest.fixture(scope="module")
def results(make_study):
    """What a study leaves of which two models diverge, one of them under the published protocol."""
    study, config = make_study(WHOLE + DIVERGING)
    for model in DIVERGING:
        entry = config["models"][model]
        entry["training"] = {"learning_rate": 1e30}
    config["models"]["published_vgg8"]["training"] |= {"validation": "augmented", "tested_weights": "last"}
    study.configure(config)
    done = study.snakemake()
    assert done.returncode == 0, done.stdout
    assert study.planned() == {}
    assert "Warning:" not in "".join(path.read_text() for path in study.folder.glob("results/tiny/logs/**/*.log"))
    return study.folder / "results/tiny"


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
    log = (results / "logs/train/vgg12_both_seed0.log").read_text()
    assert re.search(r"vgg12 both seed 0: diverged, loss not finite at epoch 1, step \d, learning rate 1e\+30", log)


def test_tables_count_them_and_say_so(results):
    comparison = pd.read_csv(results / "tables/comparison.csv").set_index("model")
    assert comparison["diverged"].to_dict() == {model: int(model in DIVERGING) for model in comparison.index}
    assert comparison["test_accuracy"].notna().all()
    for table in ("comparison", "repeats", "compute"):
        text = (results / f"tables/{table}.md").read_text()
        assert "(1 diverged)" in text, table
    statements = pd.read_csv(results / "tables/statements.csv")
    of_gradient = statements[statements["statement"].str.contains("gradient norm")].iloc[0]
    assert of_gradient["models"] == "vgg12"


def test_figures_and_the_page_show_them(results):
    page = (results / "report.html").read_text()
    assert "diverged: loss not finite at epoch 1, step" in page  # of the curves
    assert ">diverged<" in page  # their legend
