"""The lock of the working directory: removed after a killed Snakemake, left alone beside a live one."""

import fcntl
import shutil
import socket
import sys
from pathlib import Path
from typing import IO

ALONE = fcntl.LOCK_EX | fcntl.LOCK_NB


def hold(name: str, operation: int) -> IO[str] | None:
    """Locks a file in Snakemake's folder for as long as it stays open; None if another process holds a lock."""
    path = Path(".snakemake", name)
    path.parent.mkdir(exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, operation)
    except OSError:
        file.close()
        return None
    return file


def remove_stale() -> IO[str] | None:
    """Removes the lock that a killed Snakemake left in the working directory.

    Each Snakemake also holds a shared kernel lock, which ends with its process. If we get that lock exclusively, on the
    machine that held it last, no other Snakemake is running.

    Returns:
        The kernel lock's file, which must stay open as long as this Snakemake runs.
    """
    alive = hold("alive", ALONE)
    if alive is None:
        return hold("alive", fcntl.LOCK_SH)
    alive.seek(0)
    if alive.read() in ("", socket.gethostname()) and any(Path(".snakemake").glob("locks/*.lock")):
        shutil.rmtree(".snakemake/locks")
        print("removed the lock that a killed Snakemake left", file=sys.stderr)
    alive.truncate(0)
    alive.write(socket.gethostname())
    alive.flush()
    fcntl.flock(alive, fcntl.LOCK_SH)
    return alive


def join_others(data: Path) -> IO[str]:
    """Allows partial results to be made beside a Snakemake that trains.

    Args:
        data: the dataset's file, which the other Snakemake makes first.

    Returns:
        The file of a kernel lock, which must stay open as long as this Snakemake runs.
    """
    from snakemake.persistence import PersistenceBase

    # As with --nolock. Snakemake would remove the other Snakemake's lock with its own.
    PersistenceBase.lock = PersistenceBase.noop
    making = hold("partial", ALONE)
    if making is None:
        sys.exit("error: another process is making partial results in this folder; wait for it to end")
    if not data.exists() and hold("alive", ALONE) is None:
        sys.exit(f"error: {data}: another Snakemake in this folder is still making it; try again when it is there")
    return making
