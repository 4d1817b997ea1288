"""Studies that a user makes of the published networks: whatever they do not measure is open, and ends nothing."""

import pandas as pd
import pytest

from fashion.image import CLASSES
from fashion.study.definition import resolve
from helpers.everything import make_everything
from helpers.figures import svg_texts
from helpers.runs import FakeRun
from helpers.training import write_dataset

FEW = {"epochs": 1, "train_images": 200, "test_images": 100}


@pytest.mark.parametrize(
    ("mine", "model", "partial"),
    [
        ({"reading": "as_published", "models": ["published_vgg6"]}, "published_vgg6", False),
        ({"models": ["published_vit_1x4"]}, "published_vit_1x4", False),
        ({"reading": "as_published", "models": ["published_vgg6", "published_vgg8"]}, "published_vgg6", True),
    ],
)
def test_an_augmented_run_that_was_tested_on_clean_images_leaves_its_comparisons_open(
    mine, model, partial, config, dataset, tmp_path
):
    config["models"] = {name: config["models"][name] for name in mine["models"]}
    config["studies"]["mine"] = {"seeds": [0], "augmentations": ["both"], "training": FEW, **mine}
    study = resolve(config, "mine")
    if partial:
        study = study.only([(model, "both", 0)])
    for spec in study.specs.values():
        FakeRun(spec, tmp_path / "runs").write()
    page = make_everything(study, tmp_path, write_dataset(tmp_path / "data.npz", dataset), CLASSES)
    repeats = pd.read_csv(tmp_path / "tables/repeats.csv")
    assert repeats["verdict"].tolist() == ["open"]
    assert "measured on clean test images only" in repeats["why_open"].item()
    statements = pd.read_csv(tmp_path / "tables/statements.csv")
    assert set(statements.loc[statements["models"].str.contains(model, na=False), "verdict"]) <= {"open"}
    (figure,) = (tmp_path / "figures").glob("*_repeats.svg")
    assert any("on clean images only" in text for text in svg_texts(figure))
    assert "nan" not in figure.read_text().lower()
    assert "measured on clean test images only" in page.read_text(encoding="utf-8")
