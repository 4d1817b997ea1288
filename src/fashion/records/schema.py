"""What the JSON files of a run hold. They may come from other machines, so they are checked whenever they are read."""

from pathlib import Path

from jsonschema.exceptions import best_match
from jsonschema.protocols import Validator

from fashion.errors import UserError
from fashion.files import read_json
from fashion.study.config import STRICT, explain
from fashion.study.run_folder import METRICS, PROVENANCE

TEXT, TEXT_OR_NULL = {"type": "string"}, {"type": ["string", "null"]}
TEXTS = {"type": "object", "additionalProperties": TEXT}
NUMBER_OR_NULL, SHARE = {"type": ["number", "null"]}, {"type": "number", "minimum": 0, "maximum": 1}
COUNT = {"type": "integer", "minimum": 1}
OF_METRICS = {
    "test_images": COUNT | {"maximum": 10**7},
    "test_accuracy": SHARE,
    "test_loss": NUMBER_OR_NULL,
    "augmented_test_accuracy": SHARE,
    "augmented_test_loss": NUMBER_OR_NULL,
    "parameters": COUNT,
    "flops_per_image": COUNT,
    "weights": TEXT,
    "code": TEXTS,
    "accepted_code": TEXTS,
}
OF_PROVENANCE = {
    "python": TEXT,
    "packages": TEXTS,
    "platform": TEXT,
    "device": TEXT,
    "driver": TEXT_OR_NULL,
    "threads": COUNT,
    "commit": TEXT_OR_NULL,
    "finished": TEXT,
    "dataset": TEXTS,
    "weights": TEXT,
    "code": TEXTS,
    "accepted_code": TEXTS,
}
# Runs of older code lack these, and so do protocols that do not test on augmented images.
OPTIONAL = {"augmented_test_accuracy", "augmented_test_loss", "dataset", "weights", "code", "accepted_code"}
_METRICS, _PROVENANCE = (
    STRICT({"type": "object", "properties": values, "required": [key for key in values if key not in OPTIONAL]})
    for values in (OF_METRICS, OF_PROVENANCE)
)


def read_metrics(run: Path) -> dict:
    """Returns the metrics of the run in a folder; raises a `UserError` if they are not what an evaluation writes."""
    return _read(run / METRICS, _METRICS)


def read_provenance(run: Path) -> dict:
    """Returns the provenance of the run in a folder; raises a `UserError` if it is not what a training writes."""
    return _read(run / PROVENANCE, _PROVENANCE)


def _read(path: Path, validator: Validator) -> dict:
    record = read_json(path)
    if error := best_match(validator.iter_errors(record)):
        raise UserError(f"{explain(error, source=str(path))}; train the run again")
    return record
