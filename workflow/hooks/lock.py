"""The lock of the working directory: removed after a killed Snakemake, left alone beside a live one."""

import platform
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from fashion.errors import UserError
from fashion.lock import Lock, lock

FOLDER = Path(".snakemake")


def open_alive() -> IO[str]:
    """Opens the file on which each Snakemake holds a shared kernel lock, which ends with its process."""
    try:
        FOLDER.mkdir(exist_ok=True)
        return (FOLDER / "alive").open("a+", encoding="utf-8")
    except PermissionError:
        sys.exit(f"error: {Path.cwd()}: permission denied to write here; name a folder of yours by --directory")


def remove_stale() -> IO[str]:
    """Removes the lock that a killed Snakemake left in the working directory.

    If we get the kernel lock exclusively, on the machine that held it last, no other Snakemake is running.

    Returns:
        The kernel lock's file, which must stay open as long as this Snakemake runs.
    """
    alive = open_alive()
    with suppress(OSError):  # a file system without locks: who lives is unknown, so that Snakemake's lock stays
        if lock(alive):
            alive.seek(0)
            if alive.read() in ("", platform.node()) and any(FOLDER.glob("locks/*.lock")):
                shutil.rmtree(FOLDER / "locks")
                print("removed the lock that a killed Snakemake left", file=sys.stderr)
            alive.truncate(0)
            alive.write(platform.node())
            alive.flush()
        lock(alive, shared=True)
    return alive


def join_others(data: Path) -> Lock:
    """Allows partial results to be made beside a Snakemake that trains.

    Args:
        data: the dataset's file, which the other Snakemake makes first.

    Returns:
        A lock, which must be kept as long as this Snakemake runs.
    """
    from snakemake.persistence import PersistenceBase

    # As with --nolock. Snakemake would remove the other Snakemake's lock with its own.
    PersistenceBase.lock = PersistenceBase.noop
    with suppress(OSError), open_alive() as alive:
        if not data.exists() and not lock(alive):
            sys.exit(f"error: {data}: another Snakemake in this folder is still making it; try again when it is there")
    try:
        return Lock(FOLDER / "partial", "is making partial results in this folder")
    except UserError as error:
        sys.exit(f"error: {error}")
