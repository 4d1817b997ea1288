"""Small studies on a real SLURM cluster of one node with a fake GPU, through the shipped profile."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from fashion.study.resources import training_mb
from helpers.checkout import ROOT

CLUSTER = ROOT / "tests/slurm/cluster"
PROFILE = ROOT / "workflow/profiles/slurm/config.yaml"
REFUSED = 77

# What this cluster needs beyond the profile: it has few processors, and little to wait for.
ADAPTED = (
    *("--max-threads", "1", "--latency-wait", "10"),
    *("--slurm-init-seconds-before-status-checks", "1", "--max-status-checks-per-second", "1"),
)
# Long enough to be cancelled on the way.
LONG = {"epochs": 150, "patience": 150, "train_images": 200, "batch_size": 4}
RUN = "results/tiny/runs/vit/both/seed0"


class Cluster:
    """The running cluster, and what SLURM knows of its jobs."""

    def ask(self, *command: str) -> str:
        """The output of a SLURM command."""
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout

    def jobs(self, study=None, state: str | None = None) -> list[dict[str, str]]:
        """The jobs of a study, or of all, finished ones too: the fields that `scontrol show job` names."""
        listing = self.ask("scontrol", "--oneliner", "show", "job")
        jobs = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in listing.splitlines() if "JobId=" in line]
        jobs = [job for job in jobs if study is None or job["WorkDir"] == str(study.folder)]
        return [job for job in jobs if state in (None, job["JobState"])]

    def set_node(self, state: str) -> None:
        node = self.ask("sinfo", "--noheader", "--format=%n").strip()
        self.ask("scontrol", "update", f"node={node}", f"state={state}", "reason=test")

    def wait_for(self, condition: Callable, seconds: float = 300):
        """The first true value of `condition()`."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"not within {seconds} s; {self.ask('squeue')}"
            time.sleep(0.2)
        return value


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A cluster, stopped at the end; what is left of it then fails."""
    folder = tmp_path_factory.mktemp("slurm") / "cluster"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "/usr/sbin", prepend=":")
        if missing := [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name)]:
            pytest.skip(f"no {', '.join(missing)} here: a SLURM cluster needs Debian's slurm-wlm and munge")
        started = subprocess.run([CLUSTER, "start", folder], stderr=subprocess.PIPE, text=True, timeout=60)
        if started.returncode == REFUSED:
            pytest.skip(f"no SLURM cluster is started: {started.stderr.strip()}")
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        patch.setenv("PATH", str(folder / "bin"), prepend=":")
        try:
            assert started.returncode == 0, started.stderr
            daemons = [int(path.read_text()) for path in [*folder.glob("*.pid"), folder / "munge/pid"]]
            yield Cluster()
        finally:
            subprocess.run([CLUSTER, "stop", folder], check=True, timeout=60)
    assert len(daemons) == 3
    assert not [pid for pid in daemons if Path(f"/proc/{pid}").exists()]
    assert not folder.exists()


@contextmanager
def submitted(study, *arguments: str, variants: tuple[str, ...] = ()) -> Iterator[subprocess.Popen]:
    """Snakemake with the profile, of which some lines that are commented out count; killed if it outlives the block.

    What it says is in the study's file `said`: a pipe that nobody reads would stop it.

    Args:
        variants: what those lines begin with, as regular expressions.
    """
    text = PROFILE.read_text()
    # This cluster has no accounting.
    for line in ("slurm-status-command: ", "slurm-no-account: ", *variants):
        text, count = re.subn(rf"^# (?={line})", "", text, flags=re.MULTILINE)
        assert count == 1, line
    profile = study.folder / "profile/config.yaml"
    profile.parent.mkdir(exist_ok=True)
    profile.write_text(text)
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    with open(study.folder / "said", "w") as said:
        process = subprocess.Popen(
            [*snakemake, "--workflow-profile", profile.parent, *ADAPTED, *arguments],
            cwd=study.folder,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=study.environment,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def through_a_drained_node(cluster, study, busy: Event) -> None:
    """A study submitted to a busy node, which is drained then, and comes back."""
    assert busy.wait(300)
    with submitted(study, "--", "results/tiny/tables/comparison.csv") as process:
        cluster.wait_for(lambda: cluster.jobs(study, "PENDING"))
        (running,) = cluster.jobs(state="RUNNING")
        cluster.set_node("drain")
        try:
            # Not until none is listed as running: for a moment SLURM may list none at all.
            cluster.wait_for(
                lambda: any(job["JobId"] == running["JobId"] and job["JobState"] != "RUNNING" for job in cluster.jobs())
            )
            time.sleep(3)
            assert process.poll() is None
            assert cluster.jobs(study, "PENDING")
            assert not cluster.jobs(state="RUNNING")
        finally:
            cluster.set_node("resume")
        assert process.wait(timeout=300) == 0, (study.folder / "said").read_text()


def stop(study) -> None:
    """Stop a study's training, until SLURM asks it to end: for that it has it go on first."""
    (process,) = (
        folder
        for folder in Path("/proc").glob("[0-9]*")
        if b"fashion.training.train" in _read(folder / "cmdline").split(b"\0")
        and (folder / "cwd").resolve() == study.folder
    )
    os.kill(int(process.name), signal.SIGSTOP)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process has ended
        return b""


def over_its_time_and_cancelled(cluster, study, busy: Event, cancelled: Event) -> str:
    """A training whose first attempt has a minute, whose second is cancelled and whose third ends.

    Returns:
        What snakemake said of the first two.
    """
    target, log = f"{RUN}/model.safetensors", study.folder / "results/tiny/logs/vit/both/seed0.log"

    def taken_up() -> bool:
        """Whether the second attempt is going on with the first one's training."""
        return len(cluster.jobs(study)) == 2 and log.exists() and "resumed at epoch" in log.read_text()

    limits = ("--retries", "1", "--default-resources", "runtime=attempt", "slurm_extra='--signal=TERM@15'")
    gres = ("set-resources: .* gres: ",)
    with submitted(study, *limits, "--", target, variants=gres) as process:
        cluster.wait_for(lambda: cluster.jobs(study, "RUNNING"))
        busy.set()
        cluster.wait_for(lambda: log.exists() and "epoch 2:" in log.read_text())
        # However fast the machine is, the training is not at its end when its time is.
        stop(study)
        cluster.wait_for(taken_up)
        (job,) = cluster.jobs(study, "RUNNING")
        cluster.ask("scancel", job["JobId"])
        cancelled.set()
        status, said = process.wait(timeout=300), (study.folder / "said").read_text()
        assert status == 1, said
    with submitted(study, "--", target, variants=gres):
        # It is whole once it is there; Snakemake asks SLURM for the job's end later.
        cluster.wait_for((study.folder / target).exists)
    assert "resumed at epoch" in log.read_text()
    return said


def in_a_group(cluster, study, cancelled: Event) -> None:
    """Two trainings as one SLURM job."""
    assert cancelled.wait(300)
    targets = [f"results/tiny/runs/vit/both/seed{seed}/metrics.json" for seed in (0, 1)]
    with submitted(
        study, "--", *targets, variants=("groups: ", "group-components: ", "resources: ", "set-resource-scopes: ")
    ):
        cluster.wait_for(lambda: all((study.folder / target).exists() for target in targets))


def one_after_another(spans: list[tuple[str, str]]) -> bool:
    """Whether of some beginnings and ends (ISO), no span overlaps another."""
    return all(ended <= started for (_, ended), (started, _) in itertools.pairwise(sorted(spans)))


@pytest.fixture(scope="module")
def studies(make_study) -> dict:
    """The studies by the name of their test's part."""
    studies = {}
    for name in ("interrupted", "undisturbed", "drained", "grouped"):
        studies[name], config = make_study(["vit"])
        if name in ("interrupted", "undisturbed"):
            config["training"] |= LONG
        if name == "grouped":
            config["studies"]["tiny"]["seeds"] = [0, 1]
        studies[name].configure(config)
    return studies


@pytest.fixture(scope="module")
def parts(cluster, studies) -> Iterator[dict[str, Future]]:
    """Each test's part, all at once: the GPU would idle while Snakemake waits to ask for a job's state again."""
    busy, cancelled = Event(), Event()
    with ThreadPoolExecutor() as pool:
        yield {
            "interrupted": pool.submit(over_its_time_and_cancelled, cluster, studies["interrupted"], busy, cancelled),
            "drained": pool.submit(through_a_drained_node, cluster, studies["drained"], busy),
            "grouped": pool.submit(in_a_group, cluster, studies["grouped"], cancelled),
            "undisturbed": pool.submit(studies["undisturbed"].snakemake, "--", f"{RUN}/model.safetensors"),
        }


def test_a_study_waits_for_a_drained_node_and_then_completes(parts, cluster, studies):
    parts["drained"].result()
    assert (studies["drained"].folder / "results/tiny/tables/comparison.csv").exists()
    (training,) = cluster.jobs(studies["drained"])
    assert training["JobState"] == "COMPLETED"
    assert training["TimeLimit"] == "04:00:00"
    memory = training_mb(studies["drained"].config["models"]["vit"])
    assert training["MinMemoryNode"] == f"{memory}M"


def test_a_training_over_its_time_and_then_cancelled_ends_as_if_undisturbed(parts, cluster, studies):
    said = parts["interrupted"].result()
    first, second, third = cluster.jobs(studies["interrupted"])
    assert (first["TimeLimit"], second["TimeLimit"]) == ("00:01:00", "00:02:00")
    assert f"SLURM-job '{second['JobId']}' failed, SLURM status is: 'CANCELLED'" in said
    assert third["JobState"] in ("RUNNING", "COMPLETING", "COMPLETED")
    assert parts["undisturbed"].result().returncode == 0
    weights, expected = (studies[name].folder / f"{RUN}/model.safetensors" for name in ("interrupted", "undisturbed"))
    assert weights.read_bytes() == expected.read_bytes()


def test_a_group_of_runs_is_one_job_with_one_gpu_that_runs_one_at_a_time(parts, cluster, studies):
    parts["grouped"].result()
    (job,) = cluster.jobs(studies["grouped"])
    assert job["TresPerJob"] == "gres:gpu:1"
    assert job["TimeLimit"] == "08:00:00", "the sum of two trainings' four hours"
    files = studies["grouped"].folder.glob("results/tiny/runs/*/*/*/provenance.json")
    trainings = [json.loads(file.read_text()) for file in files]
    assert len(trainings) == 2
    assert one_after_another([(training["started"], training["finished"]) for training in trainings])


def test_one_job_at_a_time_has_the_gpu(parts, cluster):
    for part in parts.values():
        part.result()
    cluster.wait_for(lambda: not cluster.ask("squeue", "--noheader"))
    jobs = cluster.jobs()
    assert len(jobs) == 5
    assert all("gres:gpu:1" in (job.get("TresPerJob"), job.get("TresPerNode")) for job in jobs)
    assert one_after_another([(job["StartTime"], job["EndTime"]) for job in jobs])
