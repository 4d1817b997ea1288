"""Pull the plug of a whole pipeline, type the same command again, and it goes on where it was."""

import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest
from PIL import Image

from helpers import forked
from helpers.runs import TRAINED

RUN = "results/tiny/runs/vit/both/seed0"
LOG = "results/tiny/logs/vit/both/seed0.log"


def make_long(study, config) -> None:
    """One run of many short epochs."""
    config["training"] |= {"epochs": 120, "patience": 120}
    study.configure(config)


@pytest.fixture(scope="module")
def undisturbed(make_study) -> bytes:
    study, config = make_study(["vit"])
    make_long(study, config)
    done = study.snakemake("--", f"{RUN}/model.safetensors")
    assert done.returncode == 0, done.stdout
    return (study.folder / RUN / "model.safetensors").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_snakemake_interrupted_and_run_again_resumes(number, make_study, undisturbed):
    study, config = make_study(["vit"])
    make_long(study, config)
    with study.under_way("vit", until="epoch 5:") as process:
        os.killpg(process.pid, number)
    assert process.returncode != 0
    assert "interrupted in epoch" in (study.folder / LOG).read_text()
    assert not (study.folder / RUN / "model.safetensors").exists()
    assert not (study.folder / "results/tiny/partial").exists(), "an interruption is no failure"

    done = study.snakemake("--", f"{RUN}/model.safetensors")
    assert done.returncode == 0, done.stdout
    log = (study.folder / LOG).read_text()
    assert log.index("interrupted in epoch") < log.index("resumed at epoch"), "the first attempt's lines are lost"
    assert (study.folder / RUN / "model.safetensors").read_bytes() == undisturbed
    assert not [path for path in (study.folder / "results/tiny/checkpoints").rglob("*") if path.is_file()]


def test_after_kill_9_of_snakemake_alone_its_training_ends_and_overwrites_nothing(make_study):
    study, config = make_study(["vit"])
    config["training"] |= {"epochs": 100_000, "patience": 100_000}
    study.configure(config)
    with study.under_way("vit", until="epoch 1:") as process:
        orphan = psutil.Process(int(re.search(r"process (\d+) on", (study.folder / f"{RUN}.lock").read_text())[1]))
        os.kill(process.pid, signal.SIGKILL)
        config["training"]["epochs"] = 2
        study.configure(config)
        done = study.snakemake("--", f"{RUN}/model.safetensors")
    assert done.returncode == 0, done.stdout
    orphan.wait(timeout=60)  # it has let go of the lock, and may still be ending
    log = (study.folder / LOG).read_text()
    assert log.index("interrupted in epoch") < log.index("ended after all of 2 epochs")
    assert (study.folder / RUN / "history.csv").read_text().count("\n") == 3
    assert not (study.folder / f"{RUN}.lock").exists()


def test_after_kill_9_of_a_training_the_same_command_goes_on(make_study, undisturbed):
    study, config = make_study(["vit"])
    assert study.snakemake("--", f"{RUN}/model.safetensors").returncode == 0
    before = {name: (study.folder / RUN / name).read_bytes() for name in TRAINED}
    make_long(study, config)
    with study.under_way("vit", until="epoch 5:", interpreter=forked.python()) as process:
        training = re.search(r"process (\d+) on", (study.folder / f"{RUN}.lock").read_text())[1]
        os.kill(int(training), signal.SIGKILL)
        assert process.wait(timeout=300) == 1  # it makes partial results before it ends
    assert {name: (study.folder / RUN / name).read_bytes() for name in TRAINED} == before, "the run of other settings"
    assert "restore" not in (study.folder / "printed.txt").read_text().lower()
    assert study.dry_run()[1][0].startswith("vit both seed 0: training.epochs ")
    done = study.snakemake("--", f"{RUN}/model.safetensors")
    assert done.returncode == 0, done.stdout
    assert (study.folder / RUN / "model.safetensors").read_bytes() == undisturbed
    assert not list((study.folder / "results/tiny/runs").rglob("*.lock"))


def test_after_kill_9_of_a_figure_midway_the_same_command_makes_it_whole(make_study):
    study, _ = make_study(["vit"])
    target = "results/tiny/partial/figures/fig01_samples.png"
    figures, options = (study.folder / target).parent, ("--config", "partial=True", "--", target)
    line = [sys.executable, "-m", "snakemake", *study.arguments(*options)]
    with subprocess.Popen(line, cwd=study.folder, env=study.environment, stderr=subprocess.PIPE, text=True) as process:
        while not list(figures.glob(".fig*")):  # a figure is being written
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.001)
        for job in psutil.Process(process.pid).children(recursive=True):
            if "fashion.figures.samples" in job.cmdline():
                job.kill()
        process.communicate()
    assert process.returncode == 1
    assert list(figures.glob(".fig*"))
    done = study.snakemake(*options)
    assert done.returncode == 0, done.stdout
    assert not list(figures.glob(".*"))
    with Image.open(study.folder / target) as image:
        image.load()


def test_after_kill_9_of_everything_the_same_command_goes_on(make_study):
    study, config = make_study(["vit"])
    config["training"] |= {"epochs": 100_000, "patience": 100_000}
    study.configure(config)
    with study.under_way("vit", until="epoch 1:") as process:
        # Another one at the same time is refused, as Snakemake does.
        assert "LockException" in study.snakemake("--", f"{RUN}/model.safetensors").stdout
        os.killpg(process.pid, signal.SIGKILL)
    assert list((study.folder / ".snakemake/locks").iterdir())
    config["training"]["epochs"] = 2
    study.configure(config)
    done = study.snakemake("--", f"{RUN}/model.safetensors")
    assert done.returncode == 0, done.stdout
    assert "removed the lock that a killed Snakemake left" in done.stdout
