"""A run's spec, and what follows from it."""

from pathlib import Path

from fashion.errors import UserError
from fashion.files import read_json

# Model, augmentation and seed of a run.
Key = tuple[str, str, int]

SPEC_KEYS = ("model", "augmentation", "training", "study", "seed")


def run_name(spec: dict) -> str:
    """A run's name for a reader."""
    return f"{spec['model']['name']} {spec['augmentation']['name']} seed {spec['seed']}"


def split_sizes(training: dict) -> tuple[int, int]:
    """Numbers of training and of validation images that `train_images` and `validation_fraction` stand for."""
    validation = round(training["train_images"] * training["validation_fraction"])
    return training["train_images"] - validation, validation


def read_spec(path: Path) -> dict:
    """The spec in the JSON file at `path`; a `UserError` if it is none."""
    spec = read_json(path)
    missing = [key for key in SPEC_KEYS if not isinstance(spec, dict) or key not in spec]
    if missing:
        raise UserError(f"{path}: not a run's spec: it lacks {', '.join(missing)}; a run's folder has one as spec.json")
    return spec
