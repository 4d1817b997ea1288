"""The state of runs in words, and what training the stale ones takes."""

import copy
import json
import re
from pathlib import Path

import pytest

from fashion.records.estimate import Estimates
from fashion.records.forecast import Forecast, Machine
from fashion.records.run import Run
from fashion.records.state import State
from fashion.records.status import PlannedRun, describe
from fashion.records.words import duration
from fashion.study.changes import changes
from fashion.study.resources import multiply_adds
from helpers.checkout import ROOT
from helpers.command import python
from helpers.runs import FakeRun, make_history

SPEC = {
    "model": {"name": "vgg8", "family": "vgg", "settings": {"layers": [2, "M"]}},
    "augmentation": {"name": "both", "mixup": {"alpha": 2.0}},
    "training": {
        "batch_size": 64,
        "epochs": 100,
        "train_images": 1000,
        "validation_fraction": 0.3,
        "validation": "clean",
        "test_images": 500,
    },
    "study": "report",
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
    """Write what a finished run leaves, somewhere in a folder; returns the run's."""
    provenance = {"device": device, "finished": f"2026-01-{day:02}T00:00:00"}
    return FakeRun(spec, folder, history=make_history(epochs, seconds=seconds), provenance=provenance).write()


def run(spec: dict = SPEC, training: str | None = None, evaluation: str | None = None) -> PlannedRun:
    return PlannedRun(spec, State(training=training, evaluation=evaluation))


def machine(**differing) -> Machine:
    """A GPU that nothing was measured on, with room for everything, unless told otherwise."""
    usual = {"device": "a GPU", "cores": 16, "places": 1, "memory_mb": 64_000, "disk_mb": 1e6, "speed": None}
    return Machine(**usual | differing)


def described(runs: list[PlannedRun], others: dict | None = None, on: Machine | None = None, finished=(), instead=None):
    """The lines of a status."""
    forecast = Forecast(on or machine(), finished)
    return describe("report", runs, others or {}, forecast, instead or {}).splitlines()


def test_a_changed_setting_is_said_with_both_values():
    before, now = (repr(json.dumps(spec)) for spec in (SPEC, variant(training__epochs=50, model__settings__layers=[4])))
    assert changes({before}, {now}) == ['model.settings.layers [2,"M"] -> [4]', "training.epochs 100 -> 50"]


def test_an_added_and_a_removed_setting_are_said():
    before, now = (repr(json.dumps(spec)) for spec in (SPEC, variant(augmentation={"name": "both", "cutout": 3})))
    assert changes({before}, {now}) == ["augmentation.cutout 3 added", "augmentation.mixup.alpha 2.0 removed"]


def test_changed_code_is_said_by_module():
    modules = {"fashion.data.augment": "111111111111", "fashion.models.vgg": "333333333333", "fashion": "222222222222"}
    other = modules | {"fashion.models.vgg": "444444444444", "fashion.training.step": "111111111111"}
    del other["fashion.data.augment"]
    before, now = (repr(json.dumps(each)) for each in (modules, other))
    assert changes({before}, {now}) == [
        "code of fashion.models.vgg changed",
        "code of fashion.training.step added",
        "code of fashion.data.augment no longer used",
    ]
    now = repr(json.dumps(modules | {"fashion.data.augment": "555555555555", "fashion": "666666666666"}))
    assert changes({before, "'a'"}, {now}) == ["code of fashion, fashion.data.augment changed"]


def test_a_changed_setting_is_said_before_changed_code():
    before, now = ({repr(json.dumps({"seed": n})), repr(json.dumps({"fashion.image": f"{n}"}))} for n in (1, 2))
    assert changes(before, now) == ["seed 1 -> 2", "code of fashion.image changed"]


def test_other_params_are_passed_over():
    assert changes({"['--folder', 'a b']", "'results/a b'", "None"}, {"[]", "''"}) == []


def estimate(spec: dict, *folders: Path) -> float | None:
    return Estimates(map(Run, folders)).seconds(spec)


@pytest.mark.parametrize("file", ["spec.json", "history.csv", "provenance.json"])
@pytest.mark.parametrize("content", [None, "", "[1"])
def test_a_run_with_a_missing_or_damaged_file_is_not_measured(tmp_path, file, content):
    folder = finish(tmp_path / "run", SPEC)
    assert estimate(SPEC, folder)
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content)
    assert estimate(SPEC, folder) is None


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        (SPEC, 20),  # as long as it took
        (variant(training__epochs=50), 80),  # it may end as early as published ones did, after 40
        (variant(training__train_images=2000), 160),  # and twice the time for each
    ],
    ids=["same", "other training", "more images"],
)
def test_an_estimate_scales_a_measurement(tmp_path, spec, seconds):
    assert estimate(spec, finish(tmp_path / "run", SPEC)) == pytest.approx(seconds)


def test_an_estimate_prefers_the_same_augmentation(tmp_path):
    other = variant(augmentation={"name": "none"})
    folders = [finish(tmp_path / "a", SPEC), finish(tmp_path / "b", other, seconds=1.0)]
    assert estimate(other, *folders) == pytest.approx(10)
    assert estimate(variant(augmentation={"name": "mixup"}), *folders) == pytest.approx(15)


def test_runs_that_differ_in_their_seed_share_a_line():
    states = [None, None, "never run", None, None, None]
    runs = [run(variant(seed=seed), state) for seed, state in enumerate(states)]
    assert described(runs)[:3] == [
        "vgg8 both seeds 0, 1, 3, 4, 5: up to date",
        "vgg8 both seed 2: never run; time unknown",
        "study report: 6 runs, 1 to train on a GPU",
    ]


def test_a_study_that_is_up_to_date_says_so_and_what_else_is_to_be_done():
    runs = [run(variant(seed=seed)) for seed in range(20)]
    assert described(runs, {"comparison": 1, "curves": 2}) == [
        "vgg8 both seeds 0 to 19: up to date",
        "study report: 20 runs, none to train",
        "then: 1 comparison, 2 curves",
    ]


def test_an_evaluation_takes_no_training_time():
    assert described([run(evaluation="metrics.json is missing")]) == [
        "vgg8 both seed 0: trained, to evaluate: metrics.json is missing",
        "study report: 1 run, none to train",
    ]


def test_only_measurements_on_the_machines_device_count(tmp_path):
    vit = variant(model={"name": "vit", "family": "vit", "settings": {"patch": 7, "width": 64, "depth": 1, "heads": 2}})
    finished = [
        finish(tmp_path / "old", SPEC, device="a CPU", seconds=3000.0, day=1),
        finish(tmp_path / "vit", vit, device="a CPU", day=2),
        finish(tmp_path / "new", variant(seed=1), seconds=30.0, day=3),
    ]
    runs = [run(training="never run"), run(variant(seed=1), "never run"), run(vit, "never run")]
    assert described(runs, finished=finished)[:4] == [
        "vgg8 both seeds 0, 1: never run; about 10 min",
        "vit both seed 0: never run; time unknown",
        "study report: 3 runs, 3 to train on a GPU",
        "time: about 10 min: 2 as runs like them took here; 1 unknown until one like them has finished here",
    ]
    # Which device a cluster's nodes have, its last run says.
    cluster = machine(device=None, memory_mb=None)
    lines = described(runs, on=cluster, finished=finished)
    assert lines[2:4] == ["study report: 3 runs, 3 to train on a GPU", lines[3]]
    assert lines[3].startswith("time: about 10 min: 2 as")
    assert not any(line.startswith("memory") for line in lines)


def test_trainings_side_by_side_share_cores_and_places(tmp_path):
    finished = [finish(tmp_path / "run", SPEC, seconds=60.0)]  # ten minutes
    specs = [variant(seed=seed) for seed in range(8)]

    def minutes(**differing) -> float:
        return Forecast(machine(**differing), finished).seconds(specs) / 60

    assert minutes(cores=2, places=2) == pytest.approx(40)
    assert minutes(cores=16, places=1) == pytest.approx(80)
    assert minutes(cores=16, places=16) == pytest.approx(10)  # no shorter than one of them


SMALL = variant(training__test_images=60)
LARGE = variant(model={"name": "resnet18", "family": "resnet", "settings": {"layers": [64, 64, 128, 128, 256, 256]}})


def test_on_a_processor_what_was_not_measured_is_counted_from_its_speed():
    def seconds(speed: float, cores: int, spec: dict = SPEC) -> float:
        return Forecast(machine(device="a CPU", cores=cores, places=cores, speed=lambda: speed), ()).cost(spec).seconds

    assert seconds(2e9, 2) == pytest.approx(seconds(1e9, 2) / 2)
    # A third of it; 700 images are trained on, which takes thrice a forward pass, 300 and 60 are only looked at.
    assert seconds(3e9, 2, SMALL) == pytest.approx(40 * (3 * 700 + 300 + 60) * multiply_adds(SMALL["model"]) / 1e9)
    # One that takes several threads is as much sooner done.
    assert seconds(1e9, 8, LARGE) == pytest.approx(seconds(1e9, 2, LARGE) / 4)


def test_a_study_of_days_without_a_gpu_says_what_can_be_run_instead():
    slow = machine(device="a CPU", cores=2, places=2, speed=lambda: 1e6)
    days = [run(variant(seed=seed), "never run") for seed in range(50)]
    quick = [variant(training__epochs=1, training__train_images=100, study="quick")]
    instead = {"make quick": quick, "make more": [variant(seed=seed) for seed in range(60)]}
    lines = described(days, on=slow, instead=instead)
    assert re.fullmatch(
        r"time: about \d+ days, at most 2 at a time: counted from operations, right within a factor of 3", lines[2]
    )
    assert re.fullmatch(r"without a GPU, in less time: make quick, about [\d.]+ (s|min|h)", lines[-1])
    fast = machine(device="a CPU", cores=2, places=2, speed=lambda: 1e12)
    assert not any("make quick" in line for line in described(days, on=fast, instead=instead))
    assert not any("make quick" in line for line in described(days, instead=instead))


def test_memory_and_disk_that_do_not_suffice_are_warned_of():
    runs = [run(variant(seed=seed), "never run") for seed in range(50)]
    assert not any(line.startswith("warning") for line in described(runs))
    lines = described(runs, on=machine(places=4, memory_mb=20_000, disk_mb=1))
    assert lines[3:] == [
        "memory: 27 GB needed, 20 GB free",
        "warning: the memory will not suffice: give fewer --cores",
        lines[5],
        "warning: the disk will not suffice: make room, or train fewer models",
    ]
    assert lines[5].startswith("disk: ")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(40, "40 s"), (600, "10 min"), (7200, "2.0 h"), (4.5 * 86400, "4.5 days"), (193.4 * 86400, "190 days")],
)
def test_a_duration_has_two_digits(seconds, words):
    assert duration(seconds) == words


def test_planning_imports_no_torch():
    files = [*ROOT.glob("workflow/rules/*.smk"), *ROOT.glob("workflow/hooks/*.py")]
    imports = re.findall(r"^from fashion.* import (?:\([^)]*\)|.*)$", "".join(map(Path.read_text, files)), re.MULTILINE)
    assert "from fashion.records.status import PlannedRun, describe, summary" in imports
    assert python("-c", "\n".join([*imports, "import sys; sys.exit('torch' in sys.modules)"])).returncode == 0
