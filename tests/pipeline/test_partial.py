"""Partial results: everything that the finished runs give, at any time, into a folder of its own."""

import html
import os
import re
import signal
from pathlib import Path

import pytest
import yaml

PARTIAL = ("--config", "partial=True")
PAGE = "results/tiny/partial/report.html"
# Of the run that fails.
LOG = "results/tiny/logs/vgg8/both/seed0.log"
REASON = "error: training.train_images: 999, but the dataset has 200"


def runs(*models: str) -> list[str]:
    """What a run of Snakemake is to make, evaluated runs, so that it makes no tables and figures of its own."""
    return ["--", *(f"results/tiny/runs/{model}/both/seed0/metrics.json" for model in models)]


def missing(study) -> str:
    """What the page says of runs that are missing, as text."""
    page = (study.folder / PAGE).read_text()
    part = page[page.index('<section id="partial"') :]
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", part[: part.index("</section>")])).split())


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Each file that is no partial result, with its content and time."""
    files = (path for path in folder.glob("results/**/*") if path.is_file() and "partial" not in path.parts)
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def dangling(page: str) -> set[str]:
    """Places that a page's links lead to and that it does not have."""
    return set(re.findall('href="#([^"]*)"', page)) - set(re.findall(r'\sid="([^"]*)"', page))


@pytest.fixture(scope="module")
def failed(make_study):
    """A study of four models: one finished, one failed, one trained and not evaluated, one not begun."""
    study, config = make_study(["vit", "vgg8", "resnet18", "vit_depthwise"])
    config["models"]["vgg8"]["training"] = {"train_images": 999}
    config["models"]["resnet18"]["training"] = {"epochs": 100_000, "patience": 100_000}
    config["study"] = "report"
    study.configure(config | {"studies": config["studies"] | {"report": config["studies"]["tiny"]}})
    note = {"studies": {"tiny": {"note": "a note in a file of its own"}}}
    (study.folder / "mine.yaml").write_text(yaml.safe_dump(note))
    options = ["--config", "study=tiny", "--configfile", "mine.yaml"]
    assert study.snakemake(*options, *runs("vit_depthwise")).returncode == 0
    (study.folder / "results/tiny/runs/vit_depthwise/both/seed0/metrics.json").unlink()
    done = study.snakemake(*options, *runs("vit", "vgg8"))
    study.configure(config | {"study": "tiny"})
    return study, done


def test_a_run_of_snakemake_that_ends_with_failures_makes_the_page_of_the_others(failed):
    study, done = failed
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2:] == [
        f"failed: train vgg8 both seed 0: {REASON}",
        f"study tiny: open {PAGE}, of the runs that have finished",
    ]
    said = missing(study)
    assert said.startswith("Partial results: 1 of 4 runs has finished")
    assert f"Failed VGG8 with MixUp + RandAugment, seed 0: {REASON}" in said
    waiting = [f"{model} with MixUp + RandAugment, seed 0" for model in ("ResNet18", "depthwise ViT")]
    assert f"Waiting: 2 runs {' '.join(waiting)}: trained" in said
    page = (study.folder / PAGE).read_text()
    assert "A note in a file of its own" in page, "configured as the run of Snakemake was"
    assert "ResNet18 with MixUp + RandAugment" in page, "not by its key"
    assert 'id="fig14_vit_curves"' in page
    assert 'id="fig03_vgg8_diagram"' in page, "which needs no run"
    assert "vgg8_curves" not in page
    assert not dangling(page)
    assert {path.name for path in study.folder.glob("results/*")} == {"data", "tiny"}
    made = {path.name for path in study.folder.glob("results/tiny/*")}
    assert made.isdisjoint({"tables", "figures", "study", "report.html"}), "nothing of the full results"


def test_a_run_that_fails_leaves_the_others_going_and_is_retried_alone(failed):
    study, _ = failed
    assert (study.folder / "results/tiny/runs/vit/both/seed0/metrics.json").exists()
    assert not (study.folder / "results/tiny/runs/vgg8/both/seed0/history.csv").exists()
    jobs, status = study.dry_run(*runs("vit", "vgg8"))
    assert jobs == {"train vgg8 both 0"}
    assert status[0].startswith(f"vgg8 both seed 0: not finished, see {LOG}; about ")


def test_a_failed_job_is_shown_by_its_logs_end_and_named_at_the_end(failed):
    _, done = failed
    shown = re.search(r"^failed: train vgg8 both seed 0\n    (.+) ends with:\n(    .+\n)+", done.stdout, re.MULTILINE)
    assert shown, done.stdout
    assert shown[1] == LOG
    # Another job's line may follow before the end of this one.
    assert any(line.startswith(f"    {REASON}") for line in shown[0].splitlines())
    assert "1 failed, see above: train vgg8 both seed 0" in done.stdout
    assert "fashion.training.train" not in done.stdout.replace(shown[0], "")
    assert "open results/tiny/report.html" not in done.stdout


def test_partial_results_are_made_beside_a_running_snakemake_and_only_what_is_stale(failed):
    study, _ = failed
    with study.under_way("resnet18", until="epoch 1:") as process:
        os.killpg(process.pid, signal.SIGSTOP)  # it would have a core for itself meanwhile
        before = contents(study.folder)
        done = study.snakemake(*PARTIAL)
        assert done.returncode == 0, done.stdout
        assert re.fullmatch(rf"study tiny: 1 of 4 runs; best \w+, .*; open {PAGE}", done.stdout.splitlines()[-1])
        assert missing(study).startswith("Partial results: 1 of 4 runs has finished")
        assert re.search(r"Running ResNet18 with MixUp \+ RandAugment, seed 0: (epoch|in the first)", missing(study))
        assert contents(study.folder) == before
        assert "LockException" in study.snakemake(*runs("resnet18")).stdout, "its lock is still there"
        os.killpg(process.pid, signal.SIGCONT)
        os.killpg(process.pid, signal.SIGINT)

    done = study.snakemake(*runs("vit_depthwise"))
    assert done.returncode == 0, done.stdout
    jobs, _ = study.dry_run(*PARTIAL)
    assert jobs == {"tables", "claims", "curves", "overviews", "page"}, "no samples, no diagrams"


def test_partial_results_of_no_run_are_what_needs_none(make_study):
    study, _ = make_study(["vit", "vgg8"])
    done = study.snakemake(*PARTIAL)
    assert done.returncode == 0, done.stdout
    page = (study.folder / PAGE).read_text()
    assert missing(study).startswith("Partial results: none of 2 runs have finished")
    assert {path.name for path in study.folder.glob("results/tiny/*")} == {"partial"}
    assert sorted(re.findall('<figure id="([^"]*)"', page)) == [
        *("ext01_randaugment", "ext02_mixup_alpha", "fig01_samples", "fig02_mixup", "fig03_vgg8_diagram"),
        "fig13_vit_diagram",
    ]
    for heading in ("Table 1: classes", "Table 2: RandAugment operations", "Table 3: hyperparameters"):
        assert f"<h3>{heading}</h3>" in page
    assert "<h2>Compute</h2>" not in page
    assert not dangling(page)
    assert not re.search(r"<h\d>\s*</h\d>", page)
    assert study.planned(*PARTIAL) == {}
