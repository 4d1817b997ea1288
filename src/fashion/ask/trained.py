"""One run's folder as the command line reads it: its spec, and its trained model."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from fashion.errors import UserError
from fashion.study.spec import read_spec

if TYPE_CHECKING:
    from torch import nn


def spec_of(run: Path) -> dict:
    """The spec of the run in a folder; a `UserError` if the folder is no run's."""
    if not (run / "spec.json").is_file():
        where = "results/<budget>/runs/<model>/<augmentation>/seed<k>"
        raise UserError(f"{run}: not a run's folder, it has no spec.json; runs are {where}")
    return read_spec(run / "spec.json")


def check_trained(run: Path) -> None:
    """Raise a `UserError` if a folder is no run's or has no weights."""
    spec_of(run)
    if not (run / "model.safetensors").is_file():
        folder = shlex.quote(str(run))
        command = f"python -m fashion.training.train --spec {folder}/spec.json --data results/data/fashion_mnist.npz"
        raise UserError(f"{run}/model.safetensors: no weights there; train the run: {command} --output {folder}")


def load_model(run: Path) -> "nn.Module":
    """The trained model of the run in a folder, on the CPU, in evaluation mode.

    Raises:
        UserError: the folder is no run's, or its weights are missing, damaged or another model's.
    """
    # Not at the top: what is wrong with a folder is said at once, and torch takes seconds to import.
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from fashion.models.build import build

    check_trained(run)
    try:
        model = build(spec_of(run)["model"])
        model.load_state_dict(load_file(run / "model.safetensors"))
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        weights = run / "model.safetensors"
        raise UserError(
            f"{weights}: not the weights of the model in spec.json: {reason:.200}; train it again"
        ) from error
    return model.eval()
