"""The spec of a run: its name, the sizes of its split, and reading it."""

from pathlib import Path

from fashion.errors import UserError
from fashion.files import read_json

# Model, augmentation and seed of a run.
Key = tuple[str, str, int]

SPEC_KEYS = ("model", "augmentation", "training", "study", "seed")


def run_name(spec: dict) -> str:
    """Returns the name of a run for readers."""
    return f"{spec['model']['name']} {spec['augmentation']['name']} seed {spec['seed']}"


def split_sizes(training: dict) -> tuple[int, int]:
    """Returns the numbers of training and validation images, from `train_images` and `validation_fraction`."""
    validation = round(training["train_images"] * training["validation_fraction"])
    return training["train_images"] - validation, validation


def read_spec(path: Path) -> dict:
    """Returns the spec in the JSON file at `path`; raises a `UserError` if it is none."""
    spec = read_json(path)
    missing = [key for key in SPEC_KEYS if not isinstance(spec, dict) or key not in spec]
    if missing:
        raise UserError(f"{path}: not a run's spec: it lacks {', '.join(missing)}; a run's folder has one as spec.json")
    return spec
