"""Publishing by several at a time, killed midway, and from results that nobody vouches for."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fashion.errors import UserError
from fashion.records.run import finished_runs
from fashion.reference import publish, verdicts
from fashion.study.definition import Study, resolve
from fashion.study.run_folder import ALONE, CORRECT, HISTORY, METRICS, PREDICTIONS, PROVENANCE
from helpers.checkout import REPORT
from helpers.runs import FakeRun, make_history
from helpers.training import processes

RUN = "runs/vit/both/seed0"


@pytest.fixture
def study(config) -> Study:
    """Two models, one augmentation, one seed."""
    config["studies"]["report"] |= {"models": ["vit", "vgg8"], "augmentations": ["both"], "seeds": [0]}
    return resolve(config, "report")


@pytest.fixture
def reference(tmp_path) -> Path:
    return tmp_path / "reference/report"


def results_of(model: str, study: Study, folder: Path) -> Path:
    """The results of a machine that trained one model, and drew a figure that needs no run."""
    FakeRun(study.specs[model, "both", 0], folder / model / "runs", history=make_history(2, layers=2)).write()
    (folder / model / "figures").mkdir()
    Image.new("L", (1, 1)).save(folder / model / "figures/fig01_samples.png")
    return folder / model


@pytest.fixture
def vit(study, tmp_path) -> Path:
    return results_of("vit", study, tmp_path)


@pytest.fixture
def vgg8(study, tmp_path) -> Path:
    return results_of("vgg8", study, tmp_path)


def publish_until(place: str, study: Study, results: Path, reference: Path, marks: Path) -> None:
    """Publish, but wait at a place, named by a function of `publish`, from the file `there` to the file `go`."""
    function = getattr(publish, place)

    def wait(*arguments: object) -> object:
        (marks / "there").touch()
        while not (marks / "go").exists():
            time.sleep(0.01)
        return function(*arguments)

    setattr(publish, place, wait)
    publish.publish(study, REPORT, results, reference)


def start(place: str, *arguments: object) -> processes.Process:
    """Start to publish; returns once the process is at the place."""
    process = processes.Process(target=publish_until, args=(place, *arguments))
    process.start()
    deadline = time.monotonic() + 60
    while not (arguments[-1] / "there").exists():
        assert process.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def kill(process: processes.Process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def test_epochs_timed_alone_are_published_too_and_stay(study, vit, vgg8, reference):
    spec = study.specs["vit", "both", 0]
    FakeRun(
        spec | {"training": spec["training"] | {"epochs": 1}}, vit / "alone", history=make_history(1, layers=2)
    ).write()
    for results in (vit, vgg8):
        publish.publish(study, REPORT, results, reference)
    assert list(finished_runs(reference, ALONE)) == [("vit", "both", 0)]
    assert len(finished_runs(reference)) == 2
    assert not (reference / "alone/vit/both/seed0" / PREDICTIONS).exists()


def test_two_that_publish_into_one_reference_wait_for_each_other_and_both_are_there(
    study, vit, vgg8, reference, tmp_path
):
    first = start("_draw", study, vit, reference, tmp_path)
    (tmp_path / "second").mkdir()
    second = processes.Process(target=publish_until, args=("_draw", study, vgg8, reference, tmp_path))
    second.start()
    second.join(2)
    assert second.is_alive()
    (tmp_path / "go").touch()
    for process in (first, second):
        process.join(60)
        assert process.exitcode == 0
    assert finished_runs(reference).keys() == study.specs.keys()
    assert [path.name for path in reference.parent.iterdir()] == ["report"]


def test_one_that_has_waited_too_long_says_for_whom(study, vit, vgg8, reference, tmp_path, monkeypatch):
    first = start("_draw", study, vit, reference, tmp_path)
    monkeypatch.setattr(publish, "PUBLISHING_SECONDS", 0)
    with pytest.raises(UserError, match=rf"\.report\.lock: process {first.pid} on \S+ is publishing this study: wait"):
        publish.publish(study, REPORT, vgg8, reference)
    kill(first)


@pytest.mark.parametrize("place", ["_draw", "readme", "_replace"])
def test_killed_midway_it_leaves_the_reference_as_it_was_and_the_next_one_cleans_up(
    place, study, vit, vgg8, reference, tmp_path
):
    publish.publish(study, REPORT, vit, reference)
    before = {path: path.read_bytes() for path in reference.rglob("*") if path.is_file()}
    answer = verdicts.answer(reference.parent, REPORT.readings, verdicts.brief)
    kill(start(place, study, vgg8, reference, tmp_path))
    assert (reference.parent / ".report.new/tables").exists()
    assert {path: path.read_bytes() for path in reference.rglob("*") if path.is_file()} == before
    assert verdicts.answer(reference.parent, REPORT.readings, verdicts.brief) == answer
    publish.publish(study, REPORT, vgg8, reference)
    assert finished_runs(reference).keys() == study.specs.keys()
    assert [path.name for path in reference.parent.iterdir()] == ["report"]


def test_killed_before_anything_was_published_it_leaves_nothing_that_is_read(study, vit, reference, tmp_path):
    kill(start("_replace", study, vit, reference, tmp_path))
    with pytest.raises(UserError, match="make publish"):
        verdicts.answer(reference.parent, REPORT.readings, verdicts.brief)


def test_killed_between_the_old_reference_and_the_new_one_the_next_one_loses_no_run(study, vit, vgg8, reference):
    publish.publish(study, REPORT, vit, reference)
    # As after the first of `_replace`'s two moves.
    reference.rename(reference.with_name(".report.old"))
    shutil.copytree(reference.with_name(".report.old"), reference.with_name(".report.new"))
    publish.publish(study, REPORT, vgg8, reference)
    assert finished_runs(reference).keys() == study.specs.keys()
    assert [path.name for path in reference.parent.iterdir()] == ["report"]


def link(path: Path, secret: Path) -> None:
    path.unlink()
    path.symlink_to(secret)


def link_folder(path: Path, secret: Path) -> None:
    path.rename(secret.with_name("moved"))
    path.symlink_to(secret.with_name("moved"))


def make_pipe(path: Path, secret: Path) -> None:
    path.unlink()
    os.mkfifo(path)  # to read it would last for ever


@pytest.mark.parametrize(
    ("name", "put"),
    [
        (f"{RUN}/{HISTORY}", link),
        (f"{RUN}/{PREDICTIONS}", link),
        (f"{RUN}/{METRICS}", make_pipe),
        (RUN, link_folder),
        ("runs/vit", link_folder),
        ("figures/fig01_samples.png", link),
        ("figures", link_folder),
    ],
)
def test_a_link_out_of_the_results_is_refused(name, put, study, vit, reference, tmp_path):
    (tmp_path / "secret").write_text("a secret")
    put(vit / name, tmp_path / "secret")
    with pytest.raises(UserError, match=rf"^{vit}/\S+: a link out of {vit}, or no file at all; nothing is published$"):
        publish.publish(study, REPORT, vit, reference)
    assert not list(reference.parent.iterdir())


def test_results_that_are_themselves_behind_a_link_are_published(study, vit, reference, tmp_path):
    (tmp_path / "results").symlink_to(vit)
    publish.publish(study, REPORT, tmp_path / "results", reference)
    assert (reference / "figures/fig01_samples.png").exists()


def change(name: str, **values: object) -> Callable[[Path], object]:
    def edit(run: Path) -> None:
        (run / name).write_text(json.dumps(json.loads((run / name).read_text()) | values))

    return edit


def count_from_zero(run: Path) -> None:
    lines = (run / HISTORY).read_text().splitlines(keepends=True)
    (run / HISTORY).write_text("".join([lines[0], *lines[2:]]))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            change(METRICS, test_accuracy=0.99),
            r"test_accuracy is 0.99 of 60 images, but 48 of 60 predictions are right",
        ),
        (change(METRICS, test_accuracy=None), "test_accuracy: None is not of type 'number'"),
        (change(METRICS, test_accuracy=float("nan")), "NaN is no JSON value"),
        (change(METRICS, test_images=10_000), "of 10000 images, but 48 of 60"),
        (change(METRICS, augmented_test_accuracy=0.8), "predictions"),
        (lambda run: (run / METRICS).write_text("[]"), r"top level: \[\] is not of type 'object'"),
        (lambda run: (run / METRICS).write_text("{"), "not a readable JSON file"),
        (
            change(PROVENANCE, device=["a", "list"]),
            r"device: \['a', 'list'\] is not of type 'string'; train the run again",
        ),
        (change(PROVENANCE, packages=None), "packages: None is not of type 'object'; train the run again"),
        (change(PROVENANCE, dataset={"train-images-idx3-ubyte": "0"}), "made on other data than the report's"),
        (count_from_zero, "its epochs are not 1, 2, 3"),
        (
            lambda run: (run / HISTORY).write_text("epoch,validation_loss,seconds\n1,1,1\n"),
            "lacks train_loss, .*, joules, gradient norms",
        ),
        (lambda run: (run / HISTORY).write_text("validation_loss,seconds\n<script>,1\n"), "not the history of a run"),
        (lambda run: (run / CORRECT).write_bytes(b"nothing"), f"{CORRECT} cannot be read"),
        (lambda run: np.save(run / CORRECT, np.zeros(8, np.uint8)), "but 0 of 60 predictions are right"),
    ],
)
def test_a_run_whose_files_contradict_each_other_is_refused_by_name(edit, said, study, vit, reference):
    edit(vit / RUN)
    (vit / RUN / PREDICTIONS).touch()
    with pytest.raises(UserError, match=f"^{vit / RUN}[^\n]*{said}[^\n]*$"):
        publish.publish(study, REPORT, vit, reference)
    assert not list(reference.parent.iterdir())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("figures/fig01_samples.png", b"<svg onload=...>"),
        ("tables/table1_classes.csv", b"\xff\xfe"),
        ("tables/table1_classes.md", b"\xff\xfe"),
        ("tables/table1_classes.md", b"| class |\n|:--|\n| <script> |\n"),
        ("tables/table1_classes.md", b"| class |\n|:--|\n| \\\\<script> |\n"),
        ("tables/table1_classes.md", b"| class |\n|:--|\n| ![](https://a.tracker) |\n"),
    ],
)
def test_a_table_or_a_figure_that_is_none_is_refused(name, content, study, vit, reference):
    (vit / "tables").mkdir()
    (vit / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"^{vit / name}: not a (png|csv|md) file"):
        publish.publish(study, REPORT, vit, reference)


def test_nothing_but_tables_and_figures_of_the_study_is_taken(study, vit, reference):
    for name in ("figures/fig01_samples.png.html", "figures/fig01_samples.html", "figures/other.png", f"{RUN}/notes"):
        (vit / name).touch()
    publish.publish(study, REPORT, vit, reference)
    assert [path.name for path in (reference / "figures").glob("fig01*")] == ["fig01_samples.png"]
    assert not (reference / RUN / "notes").exists()
