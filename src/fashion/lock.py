"""Kernel locks on files, which the kernel frees however their process ends, kill -9 included.

This file stands alone: to use it elsewhere, copy it and replace `UserError` by an exception of yours.
"""

import fcntl
import logging
import os
import platform
import time
from pathlib import Path
from typing import IO

from fashion.errors import UserError

logger = logging.getLogger("fashion")
POLL_SECONDS = 0.2


def lock(file: IO | int, shared: bool = False) -> bool:
    """Locks an open file until it is closed; returns False if another process holds a lock that excludes this one.

    Raises an `OSError` on a file system without locks, such as Lustre without its mount option `flock`.
    """
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Lock:
    """A lock that one process at a time holds, until `release` or its end; its file names the process and the machine.

    Without locks on the file system it is granted with a warning; the one before then finds it not `held` any more.

    Args:
        path: the file, which is made, and removed by `release`.
        doing: what the process does: "is training this run".
        seconds: how long to wait for another process that holds the lock.

    Raises:
        UserError: another process holds the lock, or the file cannot be written.
    """

    def __init__(self, path: Path, doing: str, seconds: float = 0):
        self.path, self.owner = path, f"process {os.getpid()} on {platform.node()}"
        deadline = time.monotonic() + seconds
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            while not self._taken():
                self.file.seek(0)
                holder = f"{self.file.read() or 'another process'} {doing}"
                self.file.close()
                if time.monotonic() > deadline:
                    raise UserError(f"{path}: {holder}: wait for it to end, or stop it with kill")
                if seconds:
                    logger.info(f"{path}: {holder}; waiting up to {seconds:g} s for it to end")
                    seconds = 0
                time.sleep(POLL_SECONDS)
            self.file.truncate(0)
            self.file.write(self.owner)
            self.file.flush()
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}") from error

    def _taken(self) -> bool:
        """Opens and locks the file; returns False if another process holds it."""
        while True:
            self.file = self.path.open("a+", encoding="utf-8")
            try:
                if not lock(self.file):
                    return False
            except OSError as error:
                logger.warning(f"{self.path}: no locks on this file system ({error.strerror}); let nothing else write")
                return True
            if self._there():
                return True
            self.file.close()  # another process removed it between the two steps

    def _there(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self.file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False

    def held(self) -> bool:
        """Returns whether nobody has removed, replaced or taken over the file."""
        return self._there() and self.path.read_text(encoding="utf-8") == self.owner

    def release(self) -> None:
        """Frees the lock and removes its file."""
        if self.held():
            self.path.unlink()
        self.file.close()

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
