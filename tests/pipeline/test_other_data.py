"""Another dataset than Fashion-MNIST: its names, and what is said of the report."""

import pandas as pd

from fashion.files import read_json
from helpers.checkout import ROOT

NAMES = ["a|b", "<b>c</b>", "{brace} {0}", "it's", r"$x$ \\", '"quoted"', "靴", "50 %", "`e`", "_f_"]
TABLES = "results/tiny/tables"


def test_other_data_has_names_of_its_own_and_no_number_of_the_report(make_study):
    study, config = make_study(["vgg8"])
    study.checkout = ROOT  # for which the tiny dataset is none of the report's
    config["data"]["classes"] = NAMES
    study.configure(config)
    tables = [f"{TABLES}/{name}.csv" for name in ("table1_classes", "per_class", "comparison", "claims")]
    targets = ("--", *tables, "results/data/class_names.json")
    done = study.snakemake(*targets)
    assert done.returncode == 0, done.stdout
    assert all(pd.read_csv(study.folder / table)["class"].tolist() == NAMES for table in tables[:2])
    assert read_json(study.folder / targets[-1]) == NAMES
    (row,) = pd.read_csv(study.folder / tables[2]).to_dict("records")
    assert pd.isna(row["reported_test_accuracy"])
    assert set(pd.read_csv(study.folder / tables[3])["sentence"]) == {
        "Does not apply: the dataset is not Fashion-MNIST."
    }
    assert "the dataset is not Fashion-MNIST" in (study.folder / f"{TABLES}/comparison.md").read_text()
    # By default they are numbers; other names train nothing.
    config["data"]["classes"] = None
    study.configure(config)
    jobs, _ = study.dry_run(*targets)
    assert jobs == {"tables", "claims", "class_names"}
