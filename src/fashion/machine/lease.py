"""Leases a GPU, or another scarce device of a machine, to one process at a time.

Each GPU has a lock file. The process that locked it holds the lock while it lives, and so does a command that
replaces the process with `os.exec`. The kernel frees the lock however they end, kill -9 included: nothing cleans up.

To use this file elsewhere, copy it and `lock.py`, and replace `UserError` by an exception of yours.

    os.environ["CUDA_VISIBLE_DEVICES"] = lease(["GPU-1f2e", "GPU-9a8b"], per_gpu=1, folder=Path("/tmp/leases"))
    os.execvp(command[0], command)
"""

import logging
import os
import time
from pathlib import Path

from fashion.errors import UserError
from fashion.lock import lock

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.5


def lease(gpus: list[str], per_gpu: int, folder: Path) -> str:
    """Locks one of `gpus` until this process and the command that replaces it have ended; waits until one is free.

    Args:
        per_gpu: how many processes may share a GPU; the emptiest GPU is taken.
        folder: the folder of the lock files, one for each GPU and place on it.

    Returns:
        The GPU that was locked.

    Raises:
        UserError: the folder cannot be written to.
    """
    files = [(gpu, folder / f"{gpu}.{place}.lock".replace("/", "_")) for place in range(per_gpu) for gpu in gpus]
    waiting = False
    while True:
        for gpu, file in files:
            if _lock(file):
                return gpu
        if not waiting:
            logger.info(f"all of {len(gpus)} GPUs are in use by other jobs; waiting for one")
            waiting = True
        time.sleep(POLL_SECONDS)


def _lock(file: Path) -> bool:
    """Locks a file for good; returns False if another process holds the lock. A lock file is never deleted."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        locked = lock(descriptor)
    except OSError as error:
        raise UserError(f"no GPU can be leased, {file} cannot be locked: {error}") from error
    if not locked:
        os.close(descriptor)
        return False
    # The command that replaces this process keeps the lock; processes that Python starts do not get it.
    os.set_inheritable(descriptor, True)
    return True
