"""What a run says on its terminal: what it will take before it begins, its jobs, what to open."""

import os
import re

LAST = re.compile(r"study tiny: 9 of 9 runs; best [\w -]+, \d+\.\d% of 20 test images; open results/tiny/report\.html")
START = re.compile(
    r"^study tiny: 9 runs, 9 to train on .+\n"
    r"time: about .+: counted from operations, right within a factor of 3\n"
    r"memory: [\d.]+ GB needed, [\d,.]+ [GM]B free\n"
    r"disk: \d+ MB needed, [\d,.]+ [GM]B free\n",
    re.MULTILINE,
)


def test_a_run_says_what_it_takes_before_a_line_for_each_job_and_last_what_to_open(whole):
    assert START.search(whole.planned), whole.planned
    start = START.search(whole.said)
    assert start, whole.said
    jobs = re.findall(r"^\d\d:\d\d:\d\d (\d+) of (\d+): (.+)$", whole.said, re.MULTILINE)
    assert [int(job[0]) for job in jobs] == list(range(1, int(jobs[0][1]) + 1))
    names = [job[2] for job in jobs]
    assert {"dataset", "train vit both seed 0", "curves", "page"} < set(names)
    assert start.end() < whole.said.index(": train vit")
    lines = whole.said.splitlines()
    assert LAST.fullmatch(lines[-1])
    assert max(map(len, lines)) < 200
    of_jobs = [line for line in lines if " epoch " not in line]
    assert len(of_jobs) < 2 * len(jobs) + 25
    assert len("\n".join(of_jobs)) < 100 * len(jobs) + 1500
    logs = [path.read_text() for path in (whole.study.folder / ".snakemake/log").glob("*.log")]
    assert any("reason: Missing output files" in log for log in logs)


def test_for_a_cluster_nothing_is_said_of_the_device_here(make_study):
    study, _ = make_study(["vit"])
    profile = study.checkout / "workflow/profiles/slurm"
    planned = study.snakemake("--dry-run", "--workflow-profile", str(profile))
    expected = "study tiny: 1 run, 1 to train\ntime: unknown until one like them has finished here\ndisk: "
    assert expected in planned.stdout, planned.stdout


def test_the_runs_of_one_claim_end_with_its_verdict(whole):
    planned = whole.study.snakemake("--dry-run", "--config", "claim=C12").stdout
    assert planned.splitlines()[-2:] == ["study tiny: 2 runs, none to train", "then: 1 claims"]
    study = whole.study
    done = study.snakemake("--config", "claim=C12")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith(
        "C12: Open: 1 of 3 parts decided. So far the test accuracy, depthwise"
    )
    assert study.snakemake("--config", "claim=C12").stdout.splitlines()[-1].startswith("C12: Open: ")
    refused = study.snakemake("--dry-run", "--config", "claim=C99").stdout
    assert refused.splitlines()[-1].startswith("error: config: claim: no claim 'C99'; there are C1, C2, ")


def test_with_nothing_to_be_done_the_page_is_named_too(whole):
    done = whole.study.snakemake()
    nothing, last = done.stdout.splitlines()[-2:]
    assert nothing == "Nothing to be done (all requested files are present and up to date)."
    assert LAST.fullmatch(last)
    assert "to train" not in done.stdout


def test_a_run_without_trainings_or_page_speaks_of_neither(whole, tmp_path):
    study = whole.study.copy(tmp_path / "study")
    os.utime(study.folder / "results/tiny/tables/comparison.csv", (0, 0))
    (study.folder / "results/tiny/tables/compute.md").unlink()
    done = study.snakemake("--", "results/tiny/tables/compute.md")
    assert done.returncode == 0, done.stdout
    assert "to train" not in done.stdout
    assert "report.html" not in done.stdout


def test_all_that_snakemake_says_is_shown_on_request(whole):
    shown = whole.study.snakemake("--dry-run", "--printshellcmds", "--forcerun", "tables").stdout
    assert re.search(r"^(local)?rule tables:\n    input: ", shown, re.MULTILINE)
    assert "-m fashion.tables.make" in shown
