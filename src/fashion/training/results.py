"""Writing the four files of a trained run."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from fashion.errors import UserError
from fashion.files import atomic, sha256, write_csv, write_json
from fashion.study.run_folder import HISTORY, METRICS, PROVENANCE, SPEC, WEIGHTS


def write_training(output: Path, spec: dict, weights: dict[str, Tensor], history: list[dict], provenance: dict) -> None:
    """Writes the four files of a trained run, each atomically; the provenance gets the weights' SHA-256.

    Raises:
        UserError: the disk does not take them.
    """
    try:
        with atomic(output / WEIGHTS) as temporary:
            save_file(weights, temporary)
            # Without its records, no mixture of an earlier run and this one counts as a run.
            for record in (METRICS, PROVENANCE):
                (output / record).unlink(missing_ok=True)
        write_csv(output / HISTORY, history)
        write_json(output / SPEC, spec)
        write_json(output / PROVENANCE, {**provenance, "weights": sha256(output / WEIGHTS)})
    except (OSError, SafetensorError) as error:
        raise UserError(f"cannot write the run to {output}: {error}") from error
