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
