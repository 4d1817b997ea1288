"""A training's state on disk: whole or absent, the one before it kept, and read without running anything in it."""

import json
import os
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fashion.files import atomic, write_csv
from fashion.machine.usage import Usage
from fashion.stage import logger

# Between checkpoints: at least so many seconds, and so many times what the last one took, which may have gigabytes.
SECONDS = 60
SHARE = 20


class Checkpoint:
    """One training's checkpoint file, with the one before it beside it as `<name>.previous`.

    Its history so far is there too, as `<stem>.csv`, for those who watch it: nothing reads it to go on.

    `key` says what the training depends on; a checkpoint with another key is not taken up. `usage` is saved with its
    state, and goes on with it: what it counts changes no number.
    """

    def __init__(self, path: Path, key: str, usage: Usage | None = None):
        self.path, self.key, self.usage = path, key, usage
        self.previous = path.with_suffix(f"{path.suffix}.previous")
        self.history = path.with_suffix(".csv")
        self.saved_at, self.saving_took = time.perf_counter(), 0.0

    def due(self) -> bool:
        """Whether it is time to save again."""
        return time.perf_counter() > self.saved_at + max(SECONDS, SHARE * self.saving_took)

    def save(self, tensors: dict[str, Tensor], values: dict) -> None:
        """Write `tensors` and JSON `values`; a failure, such as a full disk, is logged and leaves what was there."""
        began = time.perf_counter()
        tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        text = json.dumps({**values, "usage": self.usage.sums() if self.usage else {}})
        metadata = {"key": self.key, "values": text, "checksum": str(checksum(tensors, text))}
        try:
            with atomic(self.path) as temporary:
                save_file(tensors, temporary, metadata)
                if self.path.exists():
                    os.replace(self.path, self.previous)
        except (OSError, SafetensorError) as error:
            logger.warning(f"{self.path}: the checkpoint cannot be written, the one before it stays ({error})")
        self.saved_at = time.perf_counter()
        self.saving_took = self.saved_at - began

    def show(self, history: Sequence[dict[str, float]]) -> None:
        """Write the history so far, a row for each epoch; a failure, such as a full disk, is logged.

        Without an epoch there is none: a file that is there is of an earlier training.
        """
        try:
            if history:
                write_csv(self.history, history)
            else:
                self.history.unlink(missing_ok=True)
        except OSError as error:
            logger.warning(f"{self.history}: the history so far cannot be written ({error})")

    def load(self) -> tuple[dict[str, Tensor], dict] | None:
        """What was saved last that can be read and has the key, or None; what was passed over is logged."""
        for path in (self.path, self.previous):
            try:
                with safe_open(path, "pt") as file:
                    metadata = file.metadata() or {}
                    if metadata.get("key") != self.key:
                        logger.warning(f"{path} is of another spec, code, dataset or device; it is not taken up")
                        continue
                    names = file.keys()
                    tensors = {name: file.get_tensor(name) for name in names}
                if metadata["checksum"] != str(checksum(tensors, metadata["values"])):
                    raise ValueError("its content is not what was written")
                values = json.loads(metadata["values"])
                if self.usage:
                    self.usage.go_on_from(values["usage"])
                del values["usage"]
                return tensors, values
            except FileNotFoundError:
                continue
            except (OSError, SafetensorError, KeyError, ValueError) as error:
                logger.warning(f"{path} cannot be read ({error}); it is not taken up")
        return None

    def remove(self) -> None:
        """Delete the files, if there are any: the training is done."""
        for path in (self.path, self.previous, self.history):
            path.unlink(missing_ok=True)


def checksum(tensors: dict[str, Tensor], text: str) -> int:
    """CRC-32 of a text and of tensors' names and bytes; contiguous tensors on the CPU."""
    value = zlib.crc32(text.encode())
    for name, tensor in sorted(tensors.items()):
        value = zlib.crc32(name.encode(), value)
        value = zlib.crc32(np.atleast_1d(tensor.numpy()).view(np.uint8).data, value)
    return value
