"""A finished run that was never trained."""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fashion.data.dataset import CHECKSUMS
from fashion.image import CLASSES
from fashion.records.predictions import Predictions
from fashion.records.run import Run
from fashion.study.run_folder import HISTORY, METRICS, PREDICTIONS, PROVENANCE, RUN, SPEC, WEIGHTS, run_path
from helpers.specs import BOTH, make_spec

# Of a training that had its core to itself, though another one ran beside it.
QUIET = {"device": "a CPU", "driver": None, "gpu": None, "threads": 1, "cores": 2, "attempts": 1}
QUIET |= {"seconds": 100.0, "processor_seconds": 98.0, "other_processor_seconds": 99.0}
ORIGIN = {"commit": "c0ffee", "python": "3.12.3", "packages": {"torch": "2.11.0"}, "platform": "Linux"}
WEIGHTS_SHA256 = hashlib.sha256(b"weights").hexdigest()
ORIGIN |= {"weights": WEIGHTS_SHA256, "finished": "2026-01-02T03:04:05+00:00", "dataset": CHECKSUMS}
ORIGIN |= {"command": ["python"]}
# In the order in which a run leaves them.
TRAINED, EVALUATED = (SPEC, HISTORY, WEIGHTS, PROVENANCE), (METRICS, PREDICTIONS)


def predict(*rows: tuple[int, int, float]) -> Predictions:
    """Predictions of images, each with its label, the predicted class and the confidence in that."""
    probabilities = np.empty((len(rows), len(CLASSES)))
    for row, (_, predicted, confidence) in zip(probabilities, rows, strict=True):
        row[:] = (1 - confidence) / (len(CLASSES) - 1)
        row[predicted] = confidence
    # Logits are probabilities' logarithms but for a constant, which differs from image to image.
    logits = np.log(probabilities) + np.arange(len(rows))[:, None]
    return Predictions(logits=logits.astype(np.float32), labels=np.array([label for label, *_ in rows]))


def by_model(runs: Sequence[Run]) -> list[tuple[str, str, list[Run]]]:
    """The groups that figures show, with keys for titles."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.spec["model"]["name"], run.spec["augmentation"]["name"]), []).append(run)
    return [(*key, seeds) for key, seeds in groups.items()]


def predict_right(right: np.ndarray) -> Predictions:
    """Predictions of as many images, each right or wrong as `right` says."""
    labels = np.arange(len(right)) % len(CLASSES)
    predicted = np.where(right, labels, (labels + 1) % len(CLASSES))
    return Predictions(logits=np.eye(len(CLASSES), dtype=np.float32)[predicted], labels=labels)


def make_history(losses: Sequence[float] | int = 12, *, seed: int = 0, layers: int = 0, **columns) -> pd.DataFrame:
    """A history with these validation losses, or of so many epochs; what is not given is made up.

    Args:
        layers: how many have gradient norms.
        columns: one value, or one for each epoch.
    """
    draws = np.random.default_rng(seed)
    losses = draws.random(losses) if isinstance(losses, int) else np.array(losses, dtype=float)
    metrics = [f"{part}_{metric}" for part in ("train", "validation", "test") for metric in ("loss", "accuracy")]
    history = pd.DataFrame(draws.random((len(losses), len(metrics))), columns=metrics)
    history.insert(0, "epoch", range(1, len(losses) + 1))
    history = history.assign(validation_loss=losses, validation_accuracy=1 - losses / 2, seconds=2.0, joules=np.nan)
    norms = {f"gradient_norm:features.{layer}.weight": draws.random(len(losses)) for layer in range(layers)}
    return history.assign(**norms | columns).astype(float)


def make_old(path: Path, age: float) -> None:
    """Have a file look as if it was written `age` seconds ago."""
    then = time.time() - age
    os.utime(path, (then, then))


class FakeRun(Run):
    """A finished run that was never trained: in memory, and in its folder below `runs` once it is written.

    Args:
        right: whether each clean test image is predicted right, or the predictions themselves.
        augmented: the same of RandAugmented test images; None for a run that was not tested on them.
        metrics, provenance: what differs from the usual.
    """

    def __init__(
        self,
        spec: dict,
        runs: Path = Path("nowhere"),
        *,
        history: pd.DataFrame | None = None,
        right: np.ndarray | Predictions | None = None,
        augmented: np.ndarray | None = None,
        metrics: dict | None = None,
        provenance: dict | None = None,
    ):
        super().__init__(runs / run_path(RUN, (spec["model"]["name"], spec["augmentation"]["name"], spec["seed"])))
        self.spec = spec
        self.history = make_history(seed=spec["seed"]) if history is None else history
        self.provenance = QUIET | ORIGIN | (provenance or {})
        self._right = {"": np.arange(60) < 48 if right is None else right}
        if augmented is not None:
            self._right["augmented_"] = augmented
        accuracies = {f"{prefix}test_accuracy": self.correct_of(prefix).mean() for prefix in self._right}
        usual = {"test_images": len(self.correct), "test_loss": 0.5, "parameters": 1000, "flops_per_image": 1_000_000}
        usual["weights"] = self.provenance["weights"]
        self.metrics = usual | accuracies | (metrics or {})

    def predictions_of(self, prefix: str) -> Predictions:
        right = self._right[prefix]
        return right if isinstance(right, Predictions) else predict_right(right)

    def correct_of(self, prefix: str) -> np.ndarray:
        right = self._right[prefix]
        return (right.correct if isinstance(right, Predictions) else right).astype(float)

    def diverge(self) -> "FakeRun":
        """Have its last epoch's losses be no numbers."""
        self.history.loc[self.history.index[-1], ["train_loss", "validation_loss", "test_loss"]] = np.nan
        self.provenance["diverged"] = {"epoch": len(self.history), "step": 7, "learning_rate": 0.001}
        return self

    def write(self, *names: str, age: float = 0) -> Path:
        """Write all of its files, or those named, as of `age` seconds ago; returns its folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in names or (*TRAINED, *EVALUATED):
            path = self.folder / name
            if name == HISTORY:
                self.history.to_csv(path, index=False)
            elif name == WEIGHTS:
                path.write_bytes(b"weights")
            elif name == PREDICTIONS:
                logits = {f"{prefix}logits": self.predictions_of(prefix).logits for prefix in self._right}
                np.savez_compressed(path, **logits, labels=self.predictions.labels)
            else:
                content = {SPEC: self.spec, PROVENANCE: self.provenance, METRICS: self.metrics}[name]
                path.write_text(json.dumps(content, sort_keys=True))
            make_old(path, age)
        return self.folder


def fake_run(
    name: str = "vgg8", runs: Path = Path("nowhere"), *, family: str = "vgg", seed: int = 0, **history
) -> FakeRun:
    """An augmented run of a model; `history` is what `make_history` takes."""
    spec = make_spec(family, name=name, seed=seed, augmentation=BOTH)
    return FakeRun(spec, runs, history=make_history(seed=seed, **history))
