"""Leases: a GPU of its own for each command, free again however the command ends."""

import os
import random
import signal
import subprocess
import sys

import pytest

from fashion.machine import on_gpu
from helpers.nvidia import EIGHT, listing, write_nvidia_smi

UUIDS = EIGHT[:4]

# Fails if another holds the same GPU: that one's file exists. Ends by kill -9 if told so.
HOLD = """
import os, signal, sys, time
folder, seconds, end = sys.argv[1:]
gpu = os.environ["CUDA_VISIBLE_DEVICES"]
held = os.path.join(folder, gpu)
os.close(os.open(held, os.O_CREAT | os.O_EXCL))
print(gpu, flush=True)
time.sleep(float(seconds))
os.unlink(held)
if end == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def machine(tmp_path) -> dict[str, str]:
    """The environment of a machine with four GPUs and no leases."""
    smi = write_nvidia_smi(tmp_path / "bin", {"-L": listing(UUIDS)})
    (tmp_path / "held").mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM_", "CUDA_"))}
    return kept | {"PATH": f"{smi.parent}:{kept['PATH']}", "TMPDIR": str(tmp_path)}


def start(machine: dict[str, str], *program: str, options: tuple[str, ...] = (), **variables: str) -> subprocess.Popen:
    """Start a Python program with its arguments under a lease."""
    return subprocess.Popen(
        [sys.executable, "-m", "fashion.machine.on_gpu", *options, sys.executable, "-c", *program],
        env=machine | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def show(machine: dict[str, str], **variables: str) -> str:
    """CUDA_VISIBLE_DEVICES of a command under a lease."""
    shown = start(machine, "import os; print(os.environ.get('CUDA_VISIBLE_DEVICES'))", **variables)
    output, errors = shown.communicate(timeout=20)
    assert (shown.returncode, errors) == (0, "")
    return output.strip()


def test_each_job_sees_one_gpu_of_those_it_may_use(machine):
    assert show(machine) in UUIDS
    assert show(machine, CUDA_VISIBLE_DEVICES="2") == UUIDS[2]
    assert show(machine, CUDA_VISIBLE_DEVICES=UUIDS[3]) == UUIDS[3]


def test_nothing_is_leased_under_slurm_or_without_gpus(machine, tmp_path):
    assert show(machine, SLURM_JOB_ID="7", CUDA_VISIBLE_DEVICES="0,1") == "0,1"
    assert show(machine, CUDA_VISIBLE_DEVICES="") == ""
    write_nvidia_smi(tmp_path / "bin", {"-L": "No devices were found"}, status=6)
    shown = start(machine, "")
    assert shown.communicate(timeout=20)[1] == (
        "nvidia-smi -L failed with status 6: No devices were found; a GPU that it does not list is not leased\n"
    )
    assert shown.returncode == 0
    (tmp_path / "bin/nvidia-smi").unlink()
    assert show(machine) == "None"
    assert not list(tmp_path.glob("fashion-gpus-*"))


def test_the_most_capable_gpu_is_taken_first_unless_cuda_visible_devices_says_otherwise(machine, tmp_path):
    rows = f"{UUIDS[0]}, 7.5, 15360\n{UUIDS[1]}, 8.6, 4094\n{UUIDS[2]}, 8.0, 81559\n"
    answers = {"-L": listing(UUIDS[:3]), "compute_cap": rows}
    write_nvidia_smi(tmp_path / "bin", answers)
    assert show(machine) == UUIDS[2]
    assert show(machine, CUDA_VISIBLE_DEVICES="0,2") == UUIDS[0]


def test_the_other_gpus_are_leased_when_one_is_lost(machine, tmp_path):
    write_nvidia_smi(tmp_path / "bin", {"-L": listing(EIGHT, lost=0)}, status=15)
    environment = machine | {"CUDA_VISIBLE_DEVICES": "3"}
    leased = start(environment, "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])")
    output, errors = leased.communicate(timeout=20)
    assert output.strip() == EIGHT[3]
    assert "nvidia-smi -L failed with status 15: Unable to determine the device handle for GPU" in errors


def test_sixteen_jobs_on_four_gpus_never_share_one_and_lose_none(machine, tmp_path):
    draws = random.Random(0)
    ends = ["killed" if index % 3 == 0 else "done" for index in range(16)]
    jobs = [start(machine, HOLD, str(tmp_path / "held"), f"{draws.uniform(0.1, 0.5):.2f}", end) for end in ends]
    outputs = [job.communicate(timeout=60) for job in jobs]
    for job, end, (output, errors) in zip(jobs, ends, outputs, strict=True):
        assert job.returncode == (-signal.SIGKILL if end == "killed" else 0), errors
        assert output.strip() in UUIDS
    assert {output.strip() for output, _ in outputs} == set(UUIDS)
    assert any("waiting for one" in errors for _, errors in outputs)
    # None is lost: four jobs have all four at once.
    last = [start(machine, HOLD, str(tmp_path / "held"), "60", "done") for _ in UUIDS]
    assert {job.stdout.readline().strip() for job in last} == set(UUIDS)
    for job in last:
        job.kill()
        job.communicate()


def test_several_jobs_share_a_gpu_on_purpose_and_spread_over_all(machine, tmp_path):
    environment = machine | {"CUDA_VISIBLE_DEVICES": "0,1"}
    sleep = "import os, time; print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True); time.sleep(60)"
    jobs, used = [], []
    for _ in range(4):
        jobs.append(start(environment, sleep, options=("--per-gpu", "2")))
        used.append(jobs[-1].stdout.readline().strip())
    assert used == [UUIDS[0], UUIDS[1], UUIDS[0], UUIDS[1]]
    waiting = start(environment, sleep, options=("--per-gpu", "2"))
    assert waiting.stderr.readline() == "all of 2 GPUs are in use by other jobs; waiting for one\n"
    jobs[1].kill()
    assert waiting.stdout.readline().strip() == UUIDS[1]
    for job in [*jobs, waiting]:
        job.kill()
        job.communicate()


def test_amds_gpus_are_not_leased_and_that_is_said(monkeypatch, tmp_path, caplog):
    caplog.set_level("INFO")
    ran = []
    for place, name, value in (
        (on_gpu, "AMD_DRIVER", tmp_path),
        (on_gpu, "listed", str),
        (on_gpu, "configure", lambda path: None),
        (os, "execvp", lambda *command: ran.append(command)),
        (sys, "argv", ["on_gpu", "train"]),
    ):
        monkeypatch.setattr(place, name, value)
    for name in ("SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    on_gpu.main()
    assert caplog.messages == ["AMD's GPUs are not leased: each job uses the first of HIP_VISIBLE_DEVICES, or of all"]
    assert ran == [("train", ["train"])]


def test_the_command_takes_the_leases_place(machine):
    stopped = start(machine, "import time; print('ready', flush=True); time.sleep(60)")
    assert stopped.stdout.readline() == "ready\n"
    stopped.terminate()
    stopped.communicate(timeout=20)
    assert stopped.returncode == -signal.SIGTERM
    unknown = subprocess.run(
        [sys.executable, "-m", "fashion.machine.on_gpu", "no-such-command"], env=machine, capture_output=True, text=True
    )
    assert unknown.returncode == 1
    assert unknown.stderr == "error: no-such-command cannot be run: No such file or directory\n"
