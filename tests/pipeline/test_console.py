"""What a run says on its terminal: what it will take before it begins, its jobs, why one failed, what to open."""

import os
import re

import pytest

START = re.compile(
    r"^budget tiny: 1 run, 1 to train on .+\n"
    r"time: about .+: counted from operations, right within a factor of 3\n"
    r"memory: [\d.]+ GB needed, [\d,.]+ [GM]B free\n"
    r"disk: \d+ MB needed, [\d,.]+ [GM]B free\n",
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def study(make_study):
    return make_study(["vit"])[0]


def test_a_run_says_what_it_takes_before_a_line_for_each_job_and_last_what_to_open(study):
    planned = study.snakemake("--dry-run")
    assert START.search(planned.stdout), planned.stdout
    done = study.snakemake()
    assert done.returncode == 0, done.stdout
    start = START.search(done.stdout)
    assert start, done.stdout
    jobs = re.findall(r"^\d\d:\d\d:\d\d (\d+) of (\d+): (.+)$", done.stdout, re.MULTILINE)
    assert [int(job[0]) for job in jobs] == list(range(1, int(jobs[0][1]) + 1))
    names = [job[2] for job in jobs]
    assert {"dataset", "train vit both seed 0", "evaluate vit both seed 0", "curves fig14_vit", "page"} < set(names)
    assert start.end() < done.stdout.index(": train vit")
    assert done.stdout.splitlines()[-1] == "budget tiny: open results/tiny/report.html"
    assert max(map(len, done.stdout.splitlines())) < 200
    assert len(done.stdout) < 100 * len(jobs) + 1500
    (log,) = (study.folder / ".snakemake/log").glob("*.log")
    assert "reason: Missing output files" in log.read_text()


def test_for_a_cluster_nothing_is_said_of_the_device_here(make_study):
    study, _ = make_study(["vit"])
    profile = study.checkout / "workflow/profiles/slurm"
    planned = study.snakemake("--dry-run", "--workflow-profile", str(profile))
    expected = "budget tiny: 1 run, 1 to train\ntime: unknown until one like them has finished here\ndisk: "
    assert expected in planned.stdout, planned.stdout


def test_with_nothing_to_be_done_the_page_is_named_too(study):
    done = study.snakemake()
    assert done.stdout.splitlines()[-2:] == [
        "Nothing to be done (all requested files are present and up to date).",
        "budget tiny: open results/tiny/report.html",
    ]
    assert "to train" not in done.stdout


def test_a_run_without_trainings_or_page_speaks_of_neither(study):
    os.utime(study.folder / "results/tiny/tables/comparison.csv", (0, 0))
    (study.folder / "results/tiny/tables/compute.md").unlink()
    done = study.snakemake("--", "results/tiny/tables/compute.md")
    assert done.returncode == 0, done.stdout
    assert "to train" not in done.stdout
    assert "report.html" not in done.stdout


def test_a_failed_job_is_shown_by_its_logs_end_and_named_at_the_end(study):
    (study.folder / "results/tiny/runs/vit/both/seed0/history.csv").write_text("epoch\n")
    done = study.snakemake("--forcerun", "compute", "--", "results/tiny/tables/compute.md")
    assert done.returncode == 1
    failed = re.search(r"^failed: compute\n    (.+) ends with:\n(    .+\n)+", done.stdout, re.MULTILINE)
    assert failed, done.stdout
    assert failed[1] == "results/tiny/logs/compute.log"
    assert "error: results/tiny/runs/vit/both/seed0/history.csv: not the history of a run" in failed[0]
    assert "1 failed, see above: compute" in done.stdout
    assert "fashion.tables.compute" not in done.stdout
    assert "open results/tiny/report.html" not in done.stdout


def test_all_that_snakemake_says_is_shown_on_request(study):
    shown = study.snakemake("--dry-run", "--printshellcmds", "--forcerun", "compute").stdout
    assert re.search(r"^rule compute:\n    input: ", shown, re.MULTILINE)
    assert "python -m fashion.tables.compute" in shown
