"""Epochs are timed in turn, once, and not beside other processes."""

import subprocess
import sys

import pytest
import yaml

from fashion.answer import time
from fashion.errors import UserError
from fashion.records.run import finished_runs
from fashion.study.config import load_study
from fashion.study.run_folder import ALONE
from helpers import forked
from helpers.checkout import ROOT
from helpers.training import write_dataset


@pytest.fixture
def called(config, dataset, tmp_path, monkeypatch):
    """The command for a study of VGG8 and its plain sibling, as far as the machine is quiet."""
    models = ["published_vgg8", "published_vgg8_plain"]
    config["studies"]["mine"] = {"reading": "as_published", "seeds": [0, 1, 2, 3], "augmentations": ["both"]}
    config["studies"]["mine"] |= {"models": models, "training": {"train_images": 100, "test_images": 20}}
    config["models"] = {name: config["models"][name] for name in models}
    config["report"] = str(ROOT / config["report"])
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "results/data").mkdir(parents=True)
    write_dataset(tmp_path / "results/data/fashion_mnist.npz", dataset)
    monkeypatch.setattr(sys, "argv", ["time", "--study", "mine", "--config", str(tmp_path / "config.yaml")])
    monkeypatch.setattr(sys, "executable", str(forked.python()))
    monkeypatch.chdir(tmp_path)
    return time.main


def test_each_model_in_turn_and_only_once(called, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "doubt", lambda provenance: "")
    called()
    runs = finished_runs(tmp_path / "results/mine", ALONE)
    models = ("published_vgg8", "published_vgg8_plain")
    assert sorted(runs) == sorted((model, "both", seed) for seed in range(3) for model in models)
    assert {len(run.history) for run in runs.values()} == {1}
    assert {run.spec["training"]["epochs"] for run in runs.values()} == {1}
    monkeypatch.setattr(subprocess, "run", None)
    called()


def test_the_order_is_that_of_turns():
    study, report = load_study([ROOT / "config.yaml"], "published")
    keys = list(time.timed_runs(study, report))
    assert len(keys) == 12
    assert [seed for *_, seed in keys] == [0] * 4 + [1] * 4 + [2] * 4
    assert {model for model, *_ in keys} == {
        *("published_vgg8", "published_vgg8_plain", "published_resnet18", "published_vgg12"),
    }


def test_an_epoch_of_fewer_images_has_test_images_to_match():
    study, report = load_study([ROOT / "config.yaml"], "report")
    specs = time.timed_runs(study, report, images=3000)
    assert {model for model, *_ in specs} == {"vgg8", "vgg8_dsc", "resnet18", "vgg12"}
    images = {(spec["training"]["train_images"], spec["training"]["test_images"]) for spec in specs.values()}
    assert images == {(3000, 500)}


@pytest.mark.parametrize(("images", "test_images"), [(0, 0), (-5, -1), (59, 9)])
def test_an_epoch_of_too_few_images_is_refused(images, test_images):
    study, report = load_study([ROOT / "config.yaml"], "report")
    with pytest.raises(UserError, match=f"^--images {images}: {test_images} test images go with them, and 10 is the"):
        time.timed_runs(study, report, images)
    assert time.timed_runs(study, report, images=60)


def test_a_busy_machine_ends_it_and_the_next_call_times_that_epoch_again(called, tmp_path, monkeypatch):
    folder = "results/mine/alone/published_vgg8/both/seed0"
    monkeypatch.setattr(time, "doubt", lambda provenance: "on a busy machine")
    for _ in range(2):
        with pytest.raises(UserError, match=f"^{folder}: timed on a busy machine; stop what else runs here"):
            called()
    assert len(finished_runs(tmp_path / "results/mine", ALONE)) == 1


def test_a_large_model_gets_no_more_threads_than_there_are_cores(called, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "training_threads", lambda model: 8)
    monkeypatch.setattr(time.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(time, "doubt", lambda provenance: "")
    called()
    runs = finished_runs(tmp_path / "results/mine", ALONE)
    assert {run.provenance["threads"] for run in runs.values()} == {2}


def test_without_a_dataset_it_says_how_to_make_it(called, tmp_path):
    (tmp_path / "results/data/fashion_mnist.npz").unlink()
    with pytest.raises(UserError, match="no such dataset; make it: snakemake --cores 1 -- results/data/"):
        called()


def test_a_study_of_nothing_that_is_compared_is_refused(called, monkeypatch):
    monkeypatch.setattr(time, "timed_runs", lambda study, report, images: {})
    with pytest.raises(UserError, match=r"^study mine: no claim compares times of its models; name another by STUDY="):
        called()


def test_a_training_that_fails_has_said_why_and_ends_it(called, tmp_path, capfd):
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    config["studies"]["mine"]["training"]["train_images"] = 999
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(SystemExit) as ended:
        called()
    assert ended.value.code == 1
    said = capfd.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in said] == ["error: training.train_images: 999"]


def test_a_training_that_refuses_loses_no_epoch(called, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "doubt", lambda provenance: "")
    called()
    timed = finished_runs(tmp_path / "results/mine", ALONE)
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--images", "999"])
    with pytest.raises(SystemExit):
        called()
    assert finished_runs(tmp_path / "results/mine", ALONE).keys() == timed.keys()
