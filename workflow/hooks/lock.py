"""The lock of the working directory: removes a killed Snakemake's, makes partial results beside a live one."""

import fcntl
import shutil
import socket
import sys
from pathlib import Path
from typing import IO

ALONE = fcntl.LOCK_EX | fcntl.LOCK_NB


def hold(name: str, operation: int) -> IO[str] | None:
    """Lock a file in Snakemake's folder for as long as it stays open; None if another process's lock is in the way."""
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
    """Remove the lock that a killed Snakemake left in the working directory.

    Each Snakemake holds a shared lock of the kernel's as well, which ends with its process. If we get that lock alone,
    on the machine that had it last, no other Snakemake is running.

    Returns:
        The lock's file, which must stay open as long as this Snakemake runs.
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
    """Let partial results be made beside a Snakemake that trains.

    Args:
        data: the dataset, which the other one makes first.

    Returns:
        A lock's file, which must stay open meanwhile.
    """
    from snakemake.persistence import PersistenceBase

    # As with --nolock: Snakemake would remove the other's lock with its own.
    PersistenceBase.lock = PersistenceBase.noop
    making = hold("partial", ALONE)
    if making is None:
        sys.exit("error: partial results are being made in this folder already; wait for them")
    if not data.exists() and hold("alive", ALONE) is None:
        sys.exit(f"error: {data}: the Snakemake that runs in this folder makes it first; try again when it is there")
    return making
