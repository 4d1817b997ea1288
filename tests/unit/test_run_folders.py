"""Only folders named seed<number> are runs: each command passes over whatever else lies beside them."""

import argparse
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from fashion.__main__ import run_folder
from fashion.answer.unfinished import finished_part
from fashion.ask.runs import best_run, listing
from fashion.records.progress import progress
from fashion.reference import archive, compare, publish
from fashion.study.definition import Study, resolve
from fashion.study.run_folder import run_folders
from helpers.checkout import REPORT, ROOT
from helpers.runs import FakeRun, make_history

RUN = "runs/vit/both/seed0"


@pytest.fixture
def study(config) -> Study:
    config["studies"]["report"] |= {"models": ["vit"], "augmentations": ["both"], "seeds": [0, 1]}
    return resolve(config, "report")


@pytest.fixture
def results(study, tmp_path) -> Path:
    """A study's results with one of its two runs."""
    FakeRun(study.specs["vit", "both", 0], tmp_path / "results/report/runs", history=make_history(layers=2)).write()
    return tmp_path / "results/report"


def clutter(results: Path) -> None:
    """Put beside a run what people, editors and killed programs leave."""
    for name in ("seed0.bak", "seed0 copy", "seed0~", "seed", "seed-1", "seed01", "seed1.5", "seedling", "seed٣"):
        shutil.copytree(results / RUN, results / RUN / "../" / name)
    for name in ("runs/vit.bak/both/seed0", "runs/vit/Both/seed0", "runs/seed0"):
        shutil.copytree(results / RUN, results / name)
    (results / "runs/vit/both/seed1").write_text("a file")
    (results / "runs/vit/both/seed2").symlink_to("nowhere")
    (results / "runs/vit/both/seed1.lock").touch()
    (results / "runs/seed3").touch()
    (results / RUN / ".model.4711.safetensors").touch()


def compared(study: Study, results: Path) -> str:
    return compare.check(results, results).to_csv()


def published(study: Study, results: Path) -> list[str]:
    publish.publish(study, REPORT, results, results / "reference")
    return sorted(str(path.relative_to(results)) for path in results.glob("reference/**/*"))


def packed(study: Study, results: Path) -> list[str]:
    archive.pack(study, REPORT, results, results / "report.zip")
    return zipfile.ZipFile(results / "report.zip").namelist()


COMMANDS = {
    "runs": lambda study, results: listing(results.parent, None),
    "predict": lambda study, results: best_run(results.parent),
    "watch": lambda study, results: {key: state.word for key, state in progress(study, results).items()},
    "page": lambda study, results: finished_part(study, results)[1],
    "compare": compared,
    "publish": published,
    "archive": packed,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_run_is_passed_over(command, study, results, monkeypatch):
    monkeypatch.chdir(ROOT)
    without = COMMANDS[command](study, results)
    clutter(results)
    assert COMMANDS[command](study, results) == without


def test_the_runs_of_several_studies_are_those_in_folders_named_by_their_seed(results):
    os.renames(results / RUN, results / "runs/vit/both/seed10")
    shutil.copytree(results / "runs/vit/both/seed10", results / RUN)
    shutil.copytree(results, results.with_name("quick"))
    clutter(results)
    found = list(run_folders(results, results.with_name("quick"), results / "nowhere"))
    assert [key for key, _ in found] == 2 * [("vit", "both", 0), ("vit", "both", 10)]
    assert [path for _, path in found] == [
        study / f"runs/vit/both/seed{seed}" for study in (results, results.with_name("quick")) for seed in (0, 10)
    ]


def test_a_copy_is_not_proposed_for_a_name_that_is_wrong(results, monkeypatch):
    clutter(results)
    monkeypatch.chdir(results.parents[1])
    with pytest.raises(argparse.ArgumentTypeError, match=r"no run report/vit/both/5; did you mean report/vit/both/0\?"):
        run_folder("report/vit/both/5")
