"""The state of a training on disk. It is written atomically, after its predecessor is kept, and read without pickle."""

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

# Between checkpoints are at least so many seconds, and so many times the seconds that the last one took.
SECONDS = 60
SHARE = 20


class Checkpoint:
    """The checkpoint of a training, with its predecessor beside it as `<name>.previous`.

    The history so far is in `<stem>.csv`, only for those who watch the training.

    Args:
        path: the checkpoint's file.
        key: a digest of all that the training's numbers depend on; a checkpoint with another key is not used.
        usage: counters that are saved too, so that they go on with the training.
    """

    def __init__(self, path: Path, key: str, usage: Usage | None = None):
        self.path, self.key, self.usage = path, key, usage
        self.previous = path.with_suffix(f"{path.suffix}.previous")
        self.history = path.with_suffix(".csv")
        self.saved_at, self.saving_took = time.perf_counter(), 0.0

    def due(self) -> bool:
        """Returns whether it is time to save again."""
        return time.perf_counter() > self.saved_at + max(SECONDS, SHARE * self.saving_took)

    def save(self, tensors: dict[str, Tensor], values: dict) -> None:
        """Writes `tensors` and JSON `values`; if the disk is full or fails, logs it and keeps the last checkpoint."""
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
            logger.warning(f"{self.path}: the checkpoint cannot be written; the last one stays ({error})")
        self.saved_at = time.perf_counter()
        self.saving_took = self.saved_at - began

    def show(self, history: Sequence[dict[str, float]]) -> None:
        """Writes the history so far, a row for each epoch; logs a failure, such as a full disk.

        Without an epoch it removes the file, which an earlier training left.
        """
        try:
            if history:
                write_csv(self.history, history)
            else:
                self.history.unlink(missing_ok=True)
        except OSError as error:
            logger.warning(f"{self.history}: the history so far cannot be written ({error})")

    def load(self) -> tuple[dict[str, Tensor], dict] | None:
        """Returns tensors and values of the last readable checkpoint with this key, or None; logs what it skips."""
        for path in (self.path, self.previous):
            try:
                path.open("rb").close()  # of a file that the user may not read, safetensors says that there is none
                with safe_open(path, "pt") as file:
                    metadata = file.metadata() or {}
                    if metadata.get("key") != self.key:
                        logger.warning(f"{path} is from another spec, code, dataset or device; it is not used")
                        continue
                    names = file.keys()
                    tensors = {name: file.get_tensor(name) for name in names}
                if metadata["checksum"] != str(checksum(tensors, metadata["values"])):
                    raise ValueError("its checksum is wrong")
                values = json.loads(metadata["values"])
                if self.usage:
                    self.usage.go_on_from(values["usage"])
                del values["usage"]
                return tensors, values
            except FileNotFoundError:
                continue
            except (OSError, SafetensorError, KeyError, ValueError) as error:
                logger.warning(f"{path} cannot be read ({error}); it is not used")
        return None

    def remove(self) -> None:
        """Deletes the files, once the training is done."""
        for path in (self.path, self.previous, self.history):
            path.unlink(missing_ok=True)


def checksum(tensors: dict[str, Tensor], text: str) -> int:
    """Returns the CRC-32 of a text and of the names and bytes of tensors, which must be contiguous and on the CPU."""
    value = zlib.crc32(text.encode())
    for name, tensor in sorted(tensors.items()):
        value = zlib.crc32(name.encode(), value)
        value = zlib.crc32(np.atleast_1d(tensor.numpy()).view(np.uint8).data, value)
    return value
