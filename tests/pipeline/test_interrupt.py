"""Pull the plug of a whole pipeline, type the same command again, and it goes on where it was."""

import os
import signal
import subprocess
import time

import pytest

RUN = "results/tiny/runs/vit/both/seed0"


def make_long(study, config) -> None:
    """One run of a few hundred short epochs."""
    config["training"] |= {"epochs": 300, "patience": 300}
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
    log = study.folder / "results/tiny/logs/train/vit_both_seed0.log"
    # A session of its own: the signal goes to the whole process group, as a terminal's Ctrl-C does.
    process = subprocess.Popen(
        study.command("--", f"{RUN}/model.safetensors"),
        cwd=study.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=study.environment,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not (log.exists() and "epoch 5:" in log.read_text()):
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "interrupted in epoch" in log.read_text()
    assert not (study.folder / RUN / "model.safetensors").exists()

    done = study.snakemake("--", f"{RUN}/model.safetensors")
    assert done.returncode == 0, output + done.stdout
    assert "taken up at epoch" in log.read_text()
    assert (study.folder / RUN / "model.safetensors").read_bytes() == undisturbed
    assert not list((study.folder / "results/tiny/checkpoints").iterdir())


def test_after_kill_9_of_everything_the_same_command_goes_on(make_study):
    study, config = make_study(["vit"])
    config["training"] |= {"epochs": 100_000, "patience": 100_000}
    study.configure(config)
    log = study.folder / "results/tiny/logs/train/vit_both_seed0.log"
    process = subprocess.Popen(
        study.command("--", f"{RUN}/model.safetensors"),
        cwd=study.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=study.environment,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not (log.exists() and "epoch 1:" in log.read_text()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # Another one at the same time is refused, as Snakemake does.
    assert "LockException" in study.snakemake("--", f"{RUN}/model.safetensors").stdout
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list((study.folder / ".snakemake/locks").iterdir())
    config["training"]["epochs"] = 2
    study.configure(config)
    done = study.snakemake("--", f"{RUN}/model.safetensors")
    assert done.returncode == 0, done.stdout
    assert "removed the lock that a killed Snakemake left" in done.stdout
