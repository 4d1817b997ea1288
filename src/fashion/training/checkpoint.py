"""A training's state on disk: whole or absent, the one before it kept, and read without running anything in it."""

import json
import os
import zlib
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fashion.files import atomic, canonical_json
from fashion.stage import logger


class Checkpoint:
    """One training's checkpoint file, with the one before it beside it as `<name>.previous`.

    `key` says what the training depends on; a checkpoint with another key is not taken up.
    """

    def __init__(self, path: Path, key: str):
        self.path, self.key = path, key
        self.previous = path.with_suffix(f"{path.suffix}.previous")

    def save(self, tensors: dict[str, Tensor], state: dict) -> None:
        """Write `tensors` and `state` (JSON values); a failure leaves the checkpoints as they were.

        Raises:
            OSError, SafetensorError: the disk is full, or the like.
        """
        tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        metadata = {"key": self.key, "state": canonical_json(state), "checksum": str(checksum(tensors))}
        with atomic(self.path) as temporary:
            save_file(tensors, temporary, metadata)
            if self.path.exists():
                os.replace(self.path, self.previous)

    def load(self) -> tuple[dict[str, Tensor], dict] | None:
        """The newest state that can be read and has the key, or None; what was passed over is logged."""
        for path in (self.path, self.previous):
            try:
                with safe_open(path, "pt") as file:
                    metadata = file.metadata() or {}
                    if metadata.get("key") != self.key:
                        logger.warning(f"{path} is of another spec, code, dataset or device; it is not taken up")
                        continue
                    names = file.keys()
                    tensors = {name: file.get_tensor(name) for name in names}
                if metadata["checksum"] != str(checksum(tensors)):
                    raise ValueError("its content is not what was written")
                return tensors, json.loads(metadata["state"])
            except FileNotFoundError:
                continue
            except (OSError, SafetensorError, KeyError, ValueError) as error:
                logger.warning(f"{path} cannot be read ({error}); it is not taken up")
        return None

    def remove(self) -> None:
        """Delete the files, if there are any: the training is done."""
        self.path.unlink(missing_ok=True)
        self.previous.unlink(missing_ok=True)


def checksum(tensors: dict[str, Tensor]) -> int:
    """CRC-32 of the tensors' names and bytes; contiguous tensors on the CPU."""
    value = 0
    for name, tensor in sorted(tensors.items()):
        value = zlib.crc32(name.encode(), value)
        value = zlib.crc32(np.atleast_1d(tensor.numpy()).view(np.uint8), value)
    return value
