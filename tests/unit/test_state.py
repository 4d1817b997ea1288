"""The state of a run is what its records say, whatever the dates of its files."""

import copy
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fashion.data.dataset import CHECKSUMS
from fashion.records import state as module
from fashion.records.state import Wanted, accept, state, states
from fashion.study.definition import resolve
from fashion.study.run_folder import HISTORY, METRICS, PREDICTIONS, PROVENANCE, SPEC, WEIGHTS
from helpers.runs import FakeRun
from helpers.specs import make_spec

CODE = {"fashion.training.loop": "111111111111", "fashion.image": "222222222222"}
NOW = Wanted(spec=make_spec("vgg"), training=CODE, evaluation=CODE, dataset={"train": "abc"})

GONE = object()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run made from what `NOW` asks for."""
    recorded = {"code": CODE, "dataset": {"train": "abc"}}
    return FakeRun(NOW.spec, tmp_path, provenance=recorded, metrics={"code": CODE}).write()


def edit(path: Path, **values) -> None:
    """Change values in a JSON file; GONE takes a key away."""
    content = json.loads(path.read_text()) | values
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not GONE}))


def test_a_run_made_from_what_is_wanted_is_up_to_date(run):
    assert (state(run, NOW).finished, state(run, NOW).training, state(run, NOW).evaluation) == (True, None, None)
    assert state(run).finished


def test_no_date_counts(run):
    for day, path in enumerate(sorted(run.iterdir())):
        os.utime(path, (day * 86400, day * 86400))
    assert state(run, NOW).finished
    os.utime(run / PROVENANCE, (time.time() + 1e6,) * 2)
    assert state(run, NOW).finished


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        (SPEC, {"seed": 7}, "seed 7 -> 0"),
        (PROVENANCE, {"code": CODE | {"fashion.image": "3"}}, "code of fashion.image changed"),
        (PROVENANCE, {"dataset": {"train": "other"}}, "made on other data"),
    ],
)
def test_a_run_made_from_something_else_is_to_be_trained(run, file, values, words):
    edit(run / file, **values)
    assert (state(run, NOW).training, state(run, NOW).finished) == (words, False)
    assert state(run).finished  # where nothing is asked of it


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"code": {}}, "code of fashion.image, fashion.training.loop added"),
        ({"weights": "others"}, "evaluated from other weights"),
        ({"weights": GONE}, "evaluated from other weights"),
    ],
)
def test_a_run_measured_otherwise_is_to_be_evaluated(run, values, words):
    edit(run / METRICS, **values)
    assert (state(run, NOW).training, state(run, NOW).evaluation) == (None, words)


def test_a_training_that_put_others_weights_under_old_metrics_is_noticed_without_a_configuration(run):
    edit(run / PROVENANCE, weights="of a training that outlived its Snakemake")
    assert state(run).evaluation == "evaluated from other weights"


@pytest.mark.parametrize("file", [SPEC, HISTORY, PROVENANCE])
def test_what_a_training_writes_is_asked_for(run, file):
    (run / file).unlink()
    assert state(run, NOW).training == f"{file} is missing"


def test_what_an_evaluation_writes_is_asked_for(run):
    (run / PREDICTIONS).unlink()
    assert state(run, NOW).evaluation == "predictions.npz is missing"
    (run / METRICS).unlink()
    assert state(run, NOW).evaluation == "never evaluated"
    (run / WEIGHTS).unlink()
    assert state(run, NOW).training == "model.safetensors is missing"


def test_an_evaluated_run_may_do_without_its_weights(run):
    (run / WEIGHTS).unlink()
    assert state(run, NOW).finished


def test_a_run_that_never_ran_says_so(tmp_path):
    assert state(tmp_path / "none", NOW).training == "never run"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (SPEC, "[1"),
        (SPEC, "[]"),
        (PROVENANCE, "{}"),
        (PROVENANCE, '"x"'),
        (PROVENANCE, {"device": ["a", "list"]}),
        (PROVENANCE, {"threads": 0}),
        (METRICS, "[]"),
        (METRICS, "{}"),
        (METRICS, {"test_accuracy": "high"}),
        (METRICS, {"test_accuracy": 1.5}),
        (METRICS, {"test_accuracy": float("nan")}),
        (METRICS, {"test_images": 10**12}),
        (METRICS, {"test_images": 2.5}),
        (METRICS, {"parameters": True}),
    ],
)
def test_a_damaged_record_is_named_in_one_line(run, file, content):
    if isinstance(content, str):
        (run / file).write_text(content)
    else:
        edit(run / file, **content)
    found = state(run, NOW)
    words = found.evaluation if file == METRICS else found.training
    assert found.damaged
    assert words.startswith(f"{run / file}: ")
    assert "\n" not in words


def test_a_run_of_before_records_were_kept_counts_as_what_its_spec_says(run):
    now = replace(NOW, dataset=CHECKSUMS)
    edit(run / PROVENANCE, code=GONE, weights=GONE, dataset=GONE)
    edit(run / METRICS, code=GONE, weights=GONE)
    assert state(run, now).finished
    assert state(run, now).note.startswith("made before records were kept")
    assert state(run, NOW).training == "made on other data"
    edit(run / SPEC, seed=7)
    assert state(run, now).training == "seed 7 -> 0"


def test_code_that_changes_no_number_may_be_accepted_and_this_is_said(run):
    now = replace(NOW, training=CODE | {"fashion.image": "3"}, evaluation=CODE | {"fashion.image": "3"})
    assert state(run, now).training == "code of fashion.image changed"
    accept(run, now)
    assert state(run, now).finished
    assert "made by other code that was accepted" in state(run, now).note
    assert state(run, NOW).training == "code of fashion.image changed"


def test_other_settings_are_never_accepted(run):
    now = replace(NOW, spec=make_spec("vgg", seed=3))
    accept(run, now)
    assert state(run, now).training == "seed 0 -> 3"


def test_another_torch_is_said_and_not_punished(run, monkeypatch):
    monkeypatch.setattr(module, "version", {"torch": "2.99.0"}.get)
    assert state(run, NOW).words == "up to date; made with torch 2.11.0, here is 2.99.0"
    edit(run / PROVENANCE, packages={"torch": "2.99.0+cpu"})
    assert state(run, NOW).words == "up to date"


def test_a_study_is_judged_by_this_checkouts_code_and_the_data_beside_its_results(config, tmp_path):
    config["studies"]["quick"] |= {"models": ["vit", "vgg8"], "augmentations": ["both"], "seeds": [0]}
    study, results = resolve(config, "quick"), tmp_path / "results/quick"
    wanted = module.wanted(study, results)
    assert "fashion.models.vit.network" in wanted["vit", "both", 0].training
    assert "fashion.models.vit.network" not in wanted["vgg8", "both", 0].training
    for key, spec in study.specs.items():
        recorded = {"code": wanted[key].training, "dataset": {"a": "1"}}
        FakeRun(spec, results / "runs", provenance=recorded, metrics={"code": wanted[key].evaluation}).write()
    assert all(each.finished for each in states(study, results).values())
    (results.parent / "data").mkdir()
    (results.parent / "data/checksums.json").write_text('{"a": "2"}')
    assert {each.training for each in states(study, results).values()} == {"made on other data"}
    assert all(each.finished for each in states(study, results, {"a": "1"}).values())


def test_a_hundred_runs_are_judged_without_reading_their_weights(config, tmp_path):
    config["studies"]["quick"] |= {"models": ["vgg8"], "augmentations": ["both"], "seeds": list(range(100))}
    study, results = resolve(config, "quick"), tmp_path / "quick"
    for spec in study.specs.values():
        (FakeRun(copy.deepcopy(spec), results / "runs").write() / WEIGHTS).chmod(0)
    began = time.process_time()
    found = states(study, results)
    one_read = time.process_time()
    assert len(found) == 100
    for path in results.glob("runs/*/*/*/*.json"):
        json.loads(path.read_text())
    # Judging takes a few times as long as reading the records alone.
    assert one_read - began < 30 * (time.process_time() - one_read)
