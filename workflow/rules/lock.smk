# Killed by -9 or with its machine, Snakemake leaves its lock in the working directory, and the next one refuses to start.
# So each holds a lock of the kernel's as well, shared, which ends with it however it ends: who gets that one alone, on the
# machine that had it last, knows that no other lives, and removes what is left.
import fcntl
import shutil
import socket


def remove_stale_lock():
    """Remove the lock of a Snakemake that is no more; the returned file must stay open as long as this one lives."""
    folder = Path(".snakemake")
    folder.mkdir(exist_ok=True)
    alive = open(folder / "alive", "a+", encoding="utf-8")
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        fcntl.flock(alive, fcntl.LOCK_SH)
        return alive
    alive.seek(0)
    if alive.read() in ("", socket.gethostname()) and any(folder.glob("locks/*.lock")):
        shutil.rmtree(folder / "locks")
        print("removed the lock that a killed Snakemake left", file=sys.stderr)
    alive.truncate(0)
    alive.write(socket.gethostname())
    alive.flush()
    fcntl.flock(alive, fcntl.LOCK_SH)
    return alive


if workflow.is_main_process:
    alive = remove_stale_lock()
