"""Another report than the one this pipeline comes with: a folder and a configuration, and no edit of the engine."""

import shutil

import pandas as pd
import yaml

from helpers.checkout import ROOT

OWN = ROOT / "tests/own_report"


def test_a_report_of_ones_own_runs_from_its_folder_and_configuration(make_study):
    study, config = make_study(["vit"])
    shutil.copytree(OWN / "report", study.folder / "report")
    own = yaml.safe_load((OWN / "config.yaml").read_text())
    study.configure(own | {"data": config["data"]})
    done = study.snakemake()
    assert done.returncode == 0, done.stdout
    results = study.folder / "results/both_sizes"
    assert sorted(path.name for path in results.glob("figures/*.svg")) == ["fig01_both_curves.svg"]
    comparison = pd.read_csv(results / "tables/comparison.csv").set_index("model")
    assert comparison["reported_test_accuracy"].to_dict() == {"large": 0.6, "small": 0.5}
    claims = pd.read_csv(results / "tables/claims.csv")
    assert claims[["id", "verdict"]].to_dict("records") == [{"id": "C1", "verdict": "holds"}]
    page = (results / "report.html").read_text()
    for words in (
        "Larger networks see more",
        "A. Student",
        "The larger network is better.",
        "as stated",
        "example.org",
    ):
        assert words in page, words
    reports = yaml.safe_load((ROOT / "workflow/report/report.yaml").read_text())
    for words in (reports["title"], *reports["authors"], "VGG8", "MixUp", "As published"):
        assert words not in page, words


def test_a_file_of_a_report_that_says_what_it_may_not_is_refused_in_one_line(make_study):
    study, config = make_study(["vit"])
    shutil.copytree(OWN / "report", study.folder / "mine")
    study.configure(config | {"report": "mine"})
    figures = study.folder / "mine/figures.yaml"
    figures.write_text(figures.read_text().replace("kind: curves", "kind: curve"))
    done = study.snakemake("--dry-run")
    assert done.returncode == 1
    last = done.stdout.splitlines()[-1]
    assert last.startswith("error: mine/figures.yaml: fig01_both_curves.kind: 'curve' is not one of ['samples', "), last
    study.configure(config | {"report": "nowhere"})
    done = study.snakemake("--dry-run")
    assert done.stdout.splitlines()[-1] == (
        "error: config: report: no folder nowhere; docs/own_report.md says what belongs there"
    )
