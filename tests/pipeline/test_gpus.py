"""Trainings on the GPUs of one machine, which a stand-in for nvidia-smi says it has, and on one without."""

import shutil

import pytest


def test_as_many_trainings_at_a_time_as_the_gpus_have_places(make_study, tmp_path, monkeypatch):
    gpus = ["GPU-stub-a", "GPU-stub-b"]
    listing = "".join(f"GPU {index}: NVIDIA H200 (UUID: {uuid})\n" for index, uuid in enumerate(gpus))
    # A training, which has one leased, is to use the processor without a complaint: it is told of none.
    told = '[ -n "$CUDA_VISIBLE_DEVICES" ] && exit'
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{told}\ncat <<'END'\n{listing}END\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    study, config = make_study(["vit"])
    config["trainings_per_gpu"] = 2
    config["studies"]["tiny"]["seeds"] = [0, 1, 2, 3, 4]
    study.configure(config)
    done = study.snakemake("--cores", "5", "--resources", "gpu=2", "--until", "train")
    assert done.returncode == 0, done.stdout
    # A GPU's second place is taken only while both first ones are: four trainings were under way, and never five.
    locks = {lock.stem for lock in tmp_path.glob("fashion-gpus-*/*.lock")}
    assert locks == {f"{uuid}.{place}" for uuid in gpus for place in (0, 1)}
    assert "waiting for one" not in done.stdout
    assert "5 to train on NVIDIA H200\ntime: unknown until one like them has finished here\n" in done.stdout


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="needs a machine without a GPU")
def test_without_a_gpu_as_many_trainings_at_a_time_as_cores(make_study):
    study, _ = make_study(["vit"])
    done = study.snakemake("--printshellcmds", "--", "results/data/fashion_mnist.npz")
    assert done.returncode == 0, done.stdout
    assert 'Provided resources: gpu=Resource("gpu", 2)' in done.stdout
