# Killed by -9 or with its machine, Snakemake leaves its lock in the working directory, and the next one refuses to start.
# So each holds a lock of the kernel's as well, shared, which ends with it however it ends: who gets that one alone, on the
# machine that had it last, knows that no other lives, and removes what is left.
import fcntl
import shutil
import socket

ALONE = fcntl.LOCK_EX | fcntl.LOCK_NB


def hold(name, operation):
    """A file in Snakemake's folder with a lock, which lasts as long as it is open; None if another's is in its way."""
    path = Path(".snakemake", name)
    path.parent.mkdir(exist_ok=True)
    file = open(path, "a+", encoding="utf-8")
    try:
        fcntl.flock(file, operation)
    except OSError:
        file.close()
        return None
    return file


def remove_stale_lock():
    """Remove the lock of a Snakemake that is no more; the returned file must stay open as long as this one lives."""
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


def join_others():
    """Let partial results be made beside a Snakemake that trains; the returned file must stay open meanwhile."""
    from snakemake.persistence import PersistenceBase

    # As with --nolock: Snakemake would remove the other's lock with its own.
    PersistenceBase.lock = PersistenceBase.noop
    making = hold("partial", ALONE)
    if making is None:
        sys.exit("error: partial results are being made in this folder already; wait for them")
    if not Path(DATA).exists() and hold("alive", ALONE) is None:
        sys.exit(f"error: {DATA}: the Snakemake that runs in this folder makes it first; try again when it is there")
    return making


if workflow.is_main_process:
    alive = join_others() if PARTIAL else remove_stale_lock()
