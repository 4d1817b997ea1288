"""The state of runs in words, and what training the stale ones takes."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fashion.records.status import PlannedRun, describe, estimate, measure
from fashion.study.changes import changes

ROOT = Path(__file__).parents[2]

SPEC = {
    "model": {"name": "vgg8", "family": "vgg", "settings": {"layers": [2, "M"]}},
    "augmentation": {"name": "both", "mixup": {"alpha": 2.0}},
    "training": {"batch_size": 64, "epochs": 100, "train_images": 1000, "validation_fraction": 0.3},
    "budget": "report",
    "seed": 0,
}


def variant(**changed) -> dict:
    """`SPEC` with other values at the given paths, `__` for a dot."""
    spec = copy.deepcopy(SPEC)
    for path, value in changed.items():
        *parts, key = path.split("__")
        entry = spec
        for part in parts:
            entry = entry[part]
        entry[key] = value
    return spec


def finish(
    folder: Path, spec: dict, epochs: int = 10, seconds: float = 2.0, device: str = "a GPU", day: int = 1
) -> Path:
    """Write what a finished run leaves, as far as a status reads it; returns its folder."""
    folder.mkdir()
    (folder / "spec.json").write_text(json.dumps(spec))
    rows = (f"{epoch},0.5,{seconds}\n" for epoch in range(epochs))
    (folder / "history.csv").write_text("epoch,validation_loss,seconds\n" + "".join(rows))
    (folder / "provenance.json").write_text(json.dumps({"device": device, "finished": f"2026-01-{day:02}T00:00:00"}))
    return folder


def run(folder: Path, spec: dict = SPEC, training: str | None = None, evaluation: str | None = None) -> PlannedRun:
    return PlannedRun(folder=folder, spec=spec, training=training, evaluation=evaluation)


def test_a_changed_setting_is_said_with_both_values():
    before, now = (repr(json.dumps(spec)) for spec in (SPEC, variant(training__epochs=50, model__settings__layers=[4])))
    assert changes({before}, {now}) == ['model.settings.layers [2,"M"] -> [4]', "training.epochs 100 -> 50"]


def test_an_added_and_a_removed_setting_are_said():
    before, now = (repr(json.dumps(spec)) for spec in (SPEC, variant(augmentation={"name": "both", "cutout": 3})))
    assert changes({before}, {now}) == ["augmentation.cutout 3 added", "augmentation.mixup.alpha 2.0 removed"]


def test_changed_code_is_said_by_module():
    before = {
        "'fashion.data.augment 111111111111'",
        "'fashion.models.layers 222222222222, fashion.models.vgg 333333333333'",
    }
    now = {
        "'fashion.training.step 111111111111'",
        "'fashion.models.layers 222222222222, fashion.models.vgg 444444444444'",
    }
    assert changes(before, now) == [
        "code of fashion.models.vgg changed",
        "code of fashion.training.step added",
        "code of fashion.data.augment no longer used",
    ]
    now = {
        "'fashion.data.augment 555555555555'",
        "'fashion.models.layers 222222222222, fashion.models.vgg 444444444444'",
    }
    assert changes(before, now) == ["code of fashion.data.augment, fashion.models.vgg changed"]


def test_other_params_are_passed_over():
    assert changes({"['--folder', 'a b']", "'results/a b'", "None"}, {"[]", "''"}) == []


def test_a_run_is_measured_by_its_history(tmp_path):
    measured = measure(finish(tmp_path / "run", SPEC, epochs=3, seconds=2.5))
    assert (measured.seconds, measured.epochs, measured.device) == (7.5, 3, "a GPU")


@pytest.mark.parametrize("file", ["spec.json", "history.csv", "provenance.json"])
@pytest.mark.parametrize("content", [None, "", "[1"])
def test_a_run_with_a_missing_or_damaged_file_is_not_measured(tmp_path, file, content):
    folder = finish(tmp_path / "run", SPEC)
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content)
    assert measure(folder) is None


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        (SPEC, 20),  # as long as it took
        (variant(training__epochs=50), 100),  # it may use all of its epochs
        (variant(training__train_images=2000), 400),  # and twice the time for each
    ],
    ids=["same", "other training", "more images"],
)
def test_an_estimate_scales_a_measurement(tmp_path, spec, seconds):
    assert estimate(spec, [measure(finish(tmp_path / "run", SPEC))]) == pytest.approx(seconds)


def test_an_estimate_prefers_the_same_augmentation(tmp_path):
    other = variant(augmentation={"name": "none"})
    measurements = [measure(finish(tmp_path / "a", SPEC)), measure(finish(tmp_path / "b", other, seconds=1.0))]
    assert estimate(other, measurements) == pytest.approx(10)
    assert estimate(variant(augmentation={"name": "mixup"}), measurements) == pytest.approx(15)


def test_runs_that_differ_in_their_seed_share_a_line(tmp_path):
    states = [None, None, "never run", None, None, None]
    runs = [run(tmp_path / str(seed), variant(seed=seed), state) for seed, state in enumerate(states)]
    assert describe(runs, {}).splitlines() == [
        "vgg8 both seeds 0, 1, 3, 4, 5: fresh",
        "vgg8 both seed 2: never run; time unknown",
        "6 runs, 1 to train: 1 of unknown time",
    ]


def test_a_fresh_study_says_so_and_what_else_is_to_be_done(tmp_path):
    runs = [run(tmp_path / str(seed), variant(seed=seed)) for seed in range(20)]
    assert describe(runs, {"comparison": 1, "curves": 2}).splitlines() == [
        "vgg8 both seeds 0 to 19: fresh",
        "20 runs, none to train",
        "then: 1 comparison, 2 curves",
    ]


def test_an_evaluation_takes_no_training_time(tmp_path):
    assert describe([run(tmp_path, evaluation="metrics.json is missing")], {}).splitlines() == [
        "vgg8 both seed 0: trained, to evaluate: metrics.json is missing",
        "1 run, none to train",
    ]


def test_only_measurements_on_the_last_device_count(tmp_path):
    vit = variant(model={"name": "vit", "family": "vit", "settings": {}})
    runs = [
        run(finish(tmp_path / "old", SPEC, device="a CPU", seconds=3000.0, day=1), training="never run"),
        run(finish(tmp_path / "vit", vit, device="a CPU", day=2), vit, training="never run"),
        run(finish(tmp_path / "new", variant(seed=1), seconds=30.0, day=3), variant(seed=1), training="never run"),
    ]
    assert describe(runs, {}).splitlines() == [
        "vgg8 both seeds 0, 1: never run; about 10 min",
        "vit both seed 0: never run; time unknown",
        "3 runs, 3 to train: about 10 min on a GPU, one after another, 1 of unknown time",
    ]


def test_planning_imports_no_torch():
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    modules = set(re.findall(r"^from (fashion[\w.]+) import ", rules, re.MULTILINE))
    assert {"fashion.study.config", "fashion.records.status"} < modules
    program = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT / "src")}).returncode == 0
