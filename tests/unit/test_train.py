"""Training and evaluation of one run, as its user would notice them."""

import csv
import hashlib
import io
import math
import re
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fashion.data.augment import rand_augment
from fashion.data.dataset import Dataset
from fashion.errors import UserError
from fashion.files import canonical_json, read_json, write_json
from fashion.image import normalise
from fashion.models.build import build
from fashion.models.vit.network import VisionTransformer
from fashion.records.run import Run
from fashion.study.stopping import epochs_without_gain
from fashion.training.evaluation import evaluate
from fashion.training.inference import logits_of, score
from fashion.training.inputs import split, training_inputs, validation_inputs
from fashion.training.loop import Training
from fashion.training.seeds import generator
from helpers import forked
from helpers.checkout import ROOT
from helpers.runs import EVALUATED, TRAINED
from helpers.specs import BOTH, make_spec
from helpers.training import write_dataset

CPU = torch.device("cpu")
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"
COLUMNS = ["train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy"]


def train(spec: dict, dataset: Dataset, device: torch.device) -> tuple[dict[str, torch.Tensor], list[dict]]:
    return Training(spec, dataset, device).run()


def without_costs(history: list[dict]) -> list[dict]:
    return [{key: value for key, value in row.items() if key not in ("seconds", "joules")} for row in history]


def test_the_split_is_seeded_disjoint_and_of_the_stated_sizes(dataset):
    training = make_spec(train_images=150, test_images=40)["training"]
    # Each image's own value in place of its pixels, so that it can be followed.
    marked = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None, None], (200, 28, 28))
    dataset = replace(dataset, train_images=np.ascontiguousarray(marked))

    def members(seed: int) -> tuple[list[int], list[int]]:
        parts = split(dataset, training, seed, CPU)
        return tuple(part[0][:, 0, 0, 0].tolist() for part in (parts.train, parts.validation))

    train_part, validation_part = members(0)
    assert (len(train_part), len(validation_part)) == (105, 45)
    assert len({*train_part, *validation_part}) == 150
    assert members(0) == (train_part, validation_part)
    assert members(1) != (train_part, validation_part)
    parts = split(dataset, training, 0, CPU)
    assert torch.equal(parts.test[0][:, 0], torch.from_numpy(dataset.test_images[:40]))


def test_a_dataset_that_is_too_small_is_refused(dataset):
    with pytest.raises(UserError, match=r"training\.train_images: 60000, but the dataset has 200"):
        train(make_spec(train_images=60000), dataset, CPU)


def test_training_learns_what_can_be_learned(dataset):
    _, history = train(make_spec(epochs=12, patience=12), dataset, CPU)
    assert history[-1]["test_accuracy"] > 0.9 > 0.5 > history[0]["train_accuracy"]
    for row in history:
        layers = [value for key, value in row.items() if key.startswith("gradient_norm:")]
        # Biases and norms are in the whole model's norm alone.
        assert 0.5 * row["gradient_norm"] < math.hypot(*layers) < row["gradient_norm"]


@pytest.mark.parametrize("augmentation", [{}, BOTH], ids=["none", "both"])
def test_the_same_seed_gives_the_same_run_and_another_another(dataset, augmentation):
    weights, history = train(make_spec("vgg", augmentation=augmentation), dataset, CPU)
    again, history_again = train(make_spec("vgg", augmentation=augmentation), dataset, CPU)
    other, _ = train(make_spec("vgg", augmentation=augmentation, seed=1), dataset, CPU)
    assert without_costs(history) == without_costs(history_again)
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert not all(torch.equal(weights[name], other[name]) for name in weights)


def test_test_data_change_nothing_but_the_test_columns(dataset):
    shuffled = replace(dataset, test_labels=np.roll(dataset.test_labels, 1))
    weights, history = train(make_spec(), dataset, CPU)
    other_weights, other_history = train(make_spec(), shuffled, CPU)
    assert all(torch.equal(weights[name], other_weights[name]) for name in weights)
    for row, other in zip(history, other_history, strict=True):
        assert row["test_loss"] != other["test_loss"]
        assert [row[key] for key in COLUMNS[:4]] == [other[key] for key in COLUMNS[:4]]


@pytest.mark.parametrize(
    ("losses", "min_delta", "expected"),
    [
        ([], 0, 0),
        ([1.0], 0, 0),
        ([3.0, 2.0, 1.0], 0, 0),
        ([1.0, 2.0, 1.5], 0, 2),
        ([1.0, 2.0, 3.0, 0.9], 0, 0),  # below the lowest resets
        ([1.0, 2.0, 3.0, 0.9, 0.95], 0, 1),
        ([1.0, 1.0, 1.0], 0, 0),  # equal to the lowest changes nothing
        ([1.0, 2.0, 1.0, 2.0], 0, 2),
        ([1.0, 1.2, 1.05], 0.1, 1),  # in between changes nothing
        ([1.0, 1.05, 1.05], 0.1, 0),
        ([1.0, 1.2, 0.99], 0.1, 0),  # a gain resets, however small
        ([1.0, 1.2, 0.99, 1.08, 1.095], 0.1, 1),  # and lowers the lowest
        ([1.0, math.nan, 1.05, math.nan], 0.1, 2),
        ([math.nan, math.nan], 0.1, 2),
        ([math.nan, 1.0], 0, 0),
        ([math.inf] * 3, 0, 3),
    ],
)
def test_epochs_without_gain_are_counted_by_the_published_rule(losses, min_delta, expected):
    assert epochs_without_gain(losses, min_delta) == expected


@pytest.fixture
def unlearnable(dataset) -> Dataset:
    """Labels by chance can only be learned by heart, so that the validation loss soon rises."""
    return replace(dataset, train_labels=np.random.default_rng(0).permutation(dataset.train_labels))


def test_training_stops_after_patience_epochs_without_a_lower_validation_loss(unlearnable):
    _, history = train(make_spec(learning_rate=0.01, epochs=20, patience=3), unlearnable, CPU)
    losses = [row["validation_loss"] for row in history]
    assert len(history) < 20
    assert min(losses[-3:]) > min(losses)
    counts = [epochs_without_gain(losses[:epoch], 0) for epoch in range(len(losses) + 1)]
    assert (counts[-1], max(counts[:-1])) == (3, 2)
    # With a wide margin, the same losses do not count, and training goes on.
    _, longer = train(
        make_spec(learning_rate=0.01, epochs=len(losses) + 2, patience=3, min_delta=100), unlearnable, CPU
    )
    assert len(longer) == len(losses) + 2
    assert [row["validation_loss"] for row in longer[: len(losses)]] == losses


def test_the_tested_weights_are_those_of_the_best_epoch_or_of_the_last(unlearnable):
    weights, losses = {}, {}
    for tested in ("best", "last"):
        spec = make_spec(learning_rate=0.01, epochs=10, patience=10, tested_weights=tested)
        weights[tested], history = train(spec, unlearnable, CPU)
        losses[tested] = [row["validation_loss"] for row in history]
    assert losses["best"] == losses["last"]
    best, last = min(losses["best"]), losses["best"][-1]
    assert best < last
    inputs, targets = validation_inputs(split(unlearnable, spec["training"], 0, CPU), spec, 1)
    model = build(spec["model"])
    for tested, expected in (("best", best), ("last", last)):
        model.load_state_dict(weights[tested])
        assert score(logits_of(model, inputs), targets)[0] == expected


class WithUnused(VisionTransformer):
    """A model with a layer that no image passes, as each block of the published ResNet18 has."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.spare = torch.nn.Conv2d(8, 8, 3)


def test_a_parameter_that_no_image_passes_is_refused_by_name(dataset, monkeypatch):
    monkeypatch.setattr("fashion.training.loop.build", lambda entry: WithUnused(**entry["settings"]))
    message = r"small none seed 0: the model's spare\.weight gets no gradient: forward does not use it; remove it"
    with pytest.raises(UserError, match=message):
        train(make_spec(), dataset, CPU)


def without_a_number(history: list[dict]) -> list[list[str]]:
    """For each epoch, the columns that are NaN or infinite, but for joules, which no processor counts."""
    return [[key for key, value in row.items() if key != "joules" and not math.isfinite(value)] for row in history]


def test_a_loss_that_is_not_finite_ends_the_training_with_that_epoch(dataset, caplog):
    caplog.set_level("INFO")
    training = Training(make_spec(learning_rate=1e30), dataset, CPU)
    weights, history = training.run()
    assert training.diverged == {"epoch": 1, "step": 2, "learning_rate": 1e30}
    assert without_a_number(history) == [["train_loss", "validation_loss", "test_loss"]]
    # Nothing better was there: weights that are no numbers, of which every image is of the first class.
    assert any(weight.isnan().any() for weight in weights.values())
    assert history[0]["test_accuracy"] == 0.1
    assert caplog.messages[-1] == (
        "small none seed 0: diverged, loss not finite at epoch 1, step 2, learning rate 1e+30; "
        "a lower learning rate may help"
    )


def spoil(training: Training, epoch: int, step: int) -> None:
    """Have a training diverge there, as if its weights had grown too large."""
    whole = training.step

    def spoiled(images, probabilities):
        if (training.state.epoch, training.state.steps_done) == (epoch, step - 1):
            with torch.no_grad():
                next(training.model.parameters()).fill_(math.nan)
        return whole(images, probabilities)

    training.step = spoiled


@pytest.mark.parametrize("tested", ["best", "last"])
def test_after_divergence_the_best_finished_epoch_is_tested_or_the_weights_as_they_are(dataset, tested):
    spec = make_spec(epochs=6, tested_weights=tested)
    expected, undisturbed = Training({**spec, "training": {**spec["training"], "epochs": 2}}, dataset, CPU).run()
    training = Training(spec, dataset, CPU)
    spoil(training, epoch=3, step=5)
    weights, history = training.run()
    assert training.diverged == {"epoch": 3, "step": 5, "learning_rate": 0.003}
    assert without_costs(history[:2]) == without_costs(undisturbed)
    assert without_a_number(history) == [[], [], ["train_loss", "validation_loss", "test_loss"]]
    if tested == "best":
        assert all(torch.equal(weights[name], expected[name]) for name in expected)
    else:
        assert next(iter(weights.values())).isnan().all()


def test_a_validation_loss_that_is_not_finite_ends_no_training(dataset, monkeypatch):
    monkeypatch.setattr("fashion.training.loop.score", lambda logits, targets: (math.nan, 0.1))
    training = Training(make_spec(epochs=4, patience=2), dataset, CPU)
    _, history = training.run()
    assert training.diverged is None
    assert len(history) == 2  # by early stopping: no gain


def test_each_epoch_sees_every_training_image_once_in_an_order_of_its_own(dataset):
    spec = make_spec()
    parts = split(dataset, spec["training"], 0, CPU)
    epochs = [training_inputs(parts, spec, epoch)[0].flatten(1) for epoch in (1, 2)]
    assert not torch.equal(*epochs)
    rows = [sorted(map(tuple, epoch.tolist())) for epoch in (*epochs, normalise(parts.train[0]).flatten(1))]
    assert rows[0] == rows[1] == rows[2]


def test_published_validation_is_augmented_and_mixed_and_clean_is_not(dataset):
    spec = make_spec(augmentation=BOTH, validation="augmented")
    parts = split(dataset, spec["training"], 0, CPU)
    inputs, targets = validation_inputs(parts, spec, 1)
    assert targets.is_floating_point()
    assert not torch.equal(inputs, normalise(parts.validation[0]))
    spec["training"]["validation"] = "clean"
    inputs, targets = validation_inputs(parts, spec, 1)
    assert torch.equal(inputs, normalise(parts.validation[0]))
    assert torch.equal(targets, parts.validation[1])


def test_only_the_published_protocol_mixes_training_with_validation_images(dataset):
    spec = make_spec(augmentation={"mixup": {"alpha": 2.0}}, validation_fraction=0.5)
    # Training images are all black, validation images all white.
    parts = split(dataset, spec["training"], 0, CPU)
    parts.train[0].fill_(0)
    parts.validation[0].fill_(255)
    assert torch.equal(training_inputs(parts, spec, 1)[0].unique(), torch.tensor([-1.0]))
    spec["training"]["validation"] = "augmented"
    assert training_inputs(parts, spec, 1)[0].max() > -1


def test_a_mixed_image_counts_as_its_larger_share():
    logits = torch.tensor([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    targets = torch.tensor([[0.7, 0.3], [0.4, 0.6], [0.0, 1.0]])
    loss, accuracy = score(logits, targets)
    assert accuracy == 2 / 3
    likelihood = np.log(1 + np.exp(-2.0))
    assert loss == pytest.approx(likelihood + 2 * (0.3 + 0.6) / 3)


@pytest.mark.parametrize("tested", ["best", "last"])
def test_evaluation_says_what_the_history_says_of_the_tested_epoch(unlearnable, tmp_path, tested):
    spec = make_spec(learning_rate=0.01, epochs=4, tested_weights=tested)
    weights, history = train(spec, unlearnable, CPU)
    save_file(weights, tmp_path / "model.safetensors")
    metrics, predictions = evaluate(spec, tmp_path / "model.safetensors", unlearnable, CPU)
    best = min(history, key=lambda row: row["validation_loss"])
    assert best is not history[-1]
    row = best if tested == "best" else history[-1]
    assert metrics["test_accuracy"] == row["test_accuracy"]
    assert metrics["test_loss"] == row["test_loss"]
    assert metrics["test_images"] == 60
    assert (predictions["logits"].argmax(axis=1) == predictions["labels"]).mean() == metrics["test_accuracy"]
    assert np.array_equal(predictions["labels"], unlearnable.test_labels)


@pytest.fixture
def data_file(dataset, tmp_path) -> Path:
    return write_dataset(tmp_path / "data.npz", dataset)


@pytest.fixture
def weights_file(tmp_path) -> Path:
    """The weights of a model that was never trained."""
    torch.manual_seed(0)
    path = tmp_path / "model.safetensors"
    save_file(build(make_spec()["model"]).state_dict(), path)
    return path


def test_the_published_protocol_measures_augmented_test_images_beside_clean_ones(dataset, weights_file):
    def results(**options) -> tuple[dict, dict]:
        return evaluate(make_spec(augmentation=BOTH, **options), weights_file, dataset, CPU)

    metrics, predictions = results(validation="augmented")
    again, same = results(validation="augmented")
    assert metrics == again
    assert all(np.array_equal(predictions[name], same[name]) for name in predictions)
    _, other = results(validation="augmented", seed=1)
    assert np.array_equal(other["logits"], predictions["logits"])
    assert not np.array_equal(other["augmented_logits"], predictions["augmented_logits"])

    # What the augmented images are: RandAugment alone, without MixUp, of the seed's own draws.
    images = torch.from_numpy(dataset.test_images[:, None])
    images = rand_augment(images, **BOTH["randaugment"], generator=generator(0, "test"))
    model = build(make_spec()["model"])
    model.load_state_dict(load_file(weights_file))
    logits = logits_of(model, normalise(images))
    assert np.array_equal(predictions["augmented_logits"], logits.numpy())
    scored = score(logits, torch.from_numpy(dataset.test_labels))
    assert (metrics["augmented_test_loss"], metrics["augmented_test_accuracy"]) == scored

    # The rest is what the clean protocol measures.
    clean_metrics, clean_predictions = results(validation="clean")
    added = {"augmented_test_loss", "augmented_test_accuracy"}
    assert {name: value for name, value in metrics.items() if name not in added} == clean_metrics
    assert predictions.keys() - clean_predictions.keys() == {"augmented_logits"}
    assert all(np.array_equal(predictions[name], clean_predictions[name]) for name in clean_predictions)


@pytest.mark.parametrize(
    ("augmentation", "validation"),
    [({}, "augmented"), ({"mixup": BOTH["mixup"]}, "augmented"), (BOTH, "clean"), ({}, "clean")],
    ids=["none", "mixup", "clean validation", "neither"],
)
def test_other_runs_are_tested_on_clean_images_alone(augmentation, validation, dataset, weights_file):
    spec = make_spec(augmentation=augmentation, validation=validation)
    metrics, predictions = evaluate(spec, weights_file, dataset, CPU)
    assert sorted(metrics) == ["flops_per_image", "parameters", "test_accuracy", "test_images", "test_loss"]
    assert sorted(predictions) == ["labels", "logits"]


def command(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess:
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    line = [forked.python(), "-m", "fashion.training.train", *map(str, arguments)]
    return subprocess.run(line, input=text, env=environment, capture_output=True, text=True, timeout=120)


LOADED = """
import runpy, sys
sys.argv = ["train", *sys.argv[1:]]
runpy.run_module("fashion.training.train", run_name="__main__")
print([name for name in sys.modules if name.startswith(("torch._dynamo.", "torch._inductor", "sympy"))])
"""


def test_a_training_gives_the_same_weights_without_torchs_compiler(dataset, data_file, tmp_path):
    spec = make_spec(epochs=2)
    write_json(tmp_path / "spec.json", spec)
    line = [sys.executable, "-W", "error", "-c", LOADED, "--spec", tmp_path / "spec.json", "--data", data_file]
    line += ["--output", tmp_path, "--threads", "1"]  # an interpreter of its own: others have loaded the compiler
    done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    weights, _ = train(spec, dataset, CPU)
    own = load_file(tmp_path / "model.safetensors")
    assert all(torch.equal(own[name], weight) for name, weight in weights.items())


def test_a_run_can_be_repeated_from_its_spec_without_snakemake(data_file, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    text = canonical_json(make_spec(epochs=2, augmentation=BOTH, validation="augmented"))
    log = tmp_path / "train.log"
    done = command("--spec", "/dev/stdin", "--data", data_file, "--output", first, "--log", log, text=text)
    assert done.returncode == 0, done.stderr
    attempt, *lines = log.read_text().splitlines()
    assert re.fullmatch(rf"{ISO} on \S+: python -m fashion.training.train", attempt)
    assert lines == done.stderr.splitlines()
    assert (lines[0], lines[-2]) == ("small both seed 0: started", "small both seed 0: ended after all of 2 epochs")
    assert [line.partition(":")[0] for line in lines[1:-2]] == [f"small both seed 0, epoch {epoch}" for epoch in (1, 2)]
    metrics = read_json(first / "metrics.json")
    clean, augmented = f"{metrics['test_accuracy']:.2%}", f"{metrics['augmented_test_accuracy']:.2%}"
    said = f"test accuracy {clean} on 60 images, {augmented} on the same images augmented"
    assert lines[-1] == f"small both seed 0: {said}"
    assert {path.name for path in first.iterdir()} == {*TRAINED, *EVALUATED}
    assert command("--spec", first / "spec.json", "--data", data_file, "--output", second).returncode == 0
    one, other = load_file(first / "model.safetensors"), load_file(second / "model.safetensors")
    assert all(torch.equal(one[name], other[name]) for name in one)
    history = list(csv.DictReader(io.StringIO((first / "history.csv").read_text())))
    weights = [name for name, weight in build(make_spec()["model"]).named_parameters() if weight.dim() > 1]
    layers = [f"gradient_norm:{name}" for name in weights]
    assert list(history[0]) == ["epoch", *COLUMNS, "seconds", "joules", "gradient_norm", *layers]
    provenance = read_json(first / "provenance.json")
    assert provenance["packages"]["torch"] == torch.__version__
    assert {"commit", "device", "driver", "threads", "command", "started", "finished", "cores"} <= set(provenance)
    assert (provenance["attempts"], provenance["gpu"], provenance["diverged"]) == (1, None, None)
    assert 0 < provenance["processor_seconds"] < 1.1 * provenance["seconds"]


def test_a_runs_dataset_is_named_by_the_checksums_of_its_idx_files(dataset):
    images = struct.pack(">HBB3I", 0, 8, 3, 200, 28, 28) + dataset.train_images.tobytes()
    labels = struct.pack(">HBBI", 0, 8, 1, 60) + bytes(dataset.test_labels.tolist())
    checksums = dataset.checksums()
    assert len(checksums) == 4
    assert checksums["train-images-idx3-ubyte"] == hashlib.sha256(images).hexdigest()
    assert checksums["t10k-labels-idx1-ubyte"] == hashlib.sha256(labels).hexdigest()


def test_a_failed_run_leaves_one_line_and_no_output(data_file, tmp_path):
    text = canonical_json(make_spec(train_images=1000))
    done = command("--spec", "/dev/stdin", "--data", data_file, "--output", tmp_path / "run", text=text)
    assert done.returncode == 1
    assert done.stderr.startswith("error: training.train_images: 1000, but the dataset has 200")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_training_that_diverges_is_a_run_which_is_evaluated(data_file, tmp_path):
    text = canonical_json(make_spec(learning_rate=1e30, augmentation=BOTH, validation="augmented"))
    done = command("--spec", "/dev/stdin", "--data", data_file, "--output", tmp_path, text=text)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith(": test accuracy 10.00% on 60 images, 10.00% on the same images augmented\n")
    run = Run(tmp_path)
    assert run.diverged == {"epoch": 1, "step": 2, "learning_rate": 1e30}
    assert run.metrics["test_loss"] is run.metrics["augmented_test_loss"] is None
    assert run.best["epoch"] == len(run.history) == 1
    for prefix in ("", "augmented_"):
        assert run.correct_of(prefix).mean() == run.metrics[f"{prefix}test_accuracy"] == 0.1


def test_a_trained_run_is_only_evaluated_again_unless_its_weights_are_others(data_file, tmp_path):
    run, options = tmp_path / "run", ("--data", data_file, "--output", tmp_path / "run", "--threads", "1")

    def again() -> str:
        done = command("--spec", tmp_path / "spec.json", *options)
        assert done.returncode == 0, done.stderr
        assert {path.name for path in run.iterdir()} == {*TRAINED, *EVALUATED}
        return done.stderr

    write_json(tmp_path / "spec.json", make_spec(epochs=2))
    again()
    weights, metrics = (run / "model.safetensors").read_bytes(), read_json(run / "metrics.json")
    (run / "metrics.json").unlink()
    first, last = again().splitlines()
    assert first == "small none seed 0: trained already, evaluated again"
    assert ": test accuracy " in last
    assert ((run / "model.safetensors").read_bytes(), read_json(run / "metrics.json")) == (weights, metrics)
    for change in (lambda path: path.write_bytes(b"others"), Path.unlink):
        change(run / "model.safetensors")
        assert again().startswith("small none seed 0: started\n")
        assert (run / "model.safetensors").read_bytes() == weights
    write_json(tmp_path / "spec.json", make_spec(epochs=2, learning_rate=0.002))
    assert again().startswith("small none seed 0: started\n")
    assert (run / "model.safetensors").read_bytes() != weights


def test_an_evaluation_that_fails_loses_no_training(data_file, tmp_path):
    write_json(tmp_path / "spec.json", make_spec(epochs=2))
    line = ["--spec", tmp_path / "spec.json", "--data", data_file, "--output", tmp_path / "run"]
    line += ["--checkpoint", tmp_path / "state.safetensors"]
    (tmp_path / "run/predictions.npz").mkdir(parents=True)
    done = command(*line)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: cannot write the run to {tmp_path}/run: ")
    shutil.rmtree(tmp_path / "run")  # as Snakemake does
    done = command(*line)
    assert [text.partition(" at ")[0] for text in done.stderr.splitlines()[:2]] == [
        "small none seed 0: resumed",
        "small none seed 0: ended after all of 2 epochs",
    ]
    assert not (tmp_path / "state.safetensors").exists()


@pytest.mark.parametrize(
    ("text", "missing"), [('{"seed": 0}', "model, augmentation, training, study"), ("[]", "model")]
)
def test_json_that_is_no_spec_is_refused_in_one_line(text, missing, data_file, tmp_path):
    done = command("--spec", "/dev/stdin", "--data", data_file, "--output", tmp_path / "run", text=text)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: /dev/stdin: not a run's spec: it lacks {missing}")
    assert done.stderr.count("\n") == 1
