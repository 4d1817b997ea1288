"""Run a command on a GPU of its own: python -m fashion.machine.lease python -m fashion.training.train ...

Each GPU has a lock file. The command holds the lock while it lives, and the kernel frees it however the command ends,
kill -9 included. When a GPU is free, the command replaces this process, so that signals and exit status are its own.
Its CUDA_VISIBLE_DEVICES is that GPU's UUID. Nothing is leased without a GPU, on AMD's GPUs, or under SLURM, which gives
each job its own GPUs.
"""

import argparse
import fcntl
import os
import tempfile
import time
from pathlib import Path

from fashion.errors import UserError
from fashion.machine.gpus import AMD_DRIVER, gpu_capabilities, listed, visible_gpus
from fashion.stage import configure, exit_on_user_error, logger, stage_parser

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
    except OSError as error:
        raise UserError(f"no GPU can be leased, {file} cannot be opened: {error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    # The command that replaces this process keeps the lock; processes that Python starts do not get it.
    os.set_inheritable(descriptor, True)
    return True


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--per-gpu", type=int, default=1, help="how many commands may share a GPU (default: 1)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command to run, with its arguments")
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("no command is given")
    configure(None)
    gpus = []
    if "SLURM_JOB_ID" not in os.environ:
        gpus = visible_gpus(listed(), os.environ.get("CUDA_VISIBLE_DEVICES"), gpu_capabilities())
        if not gpus and AMD_DRIVER.exists():
            logger.info("AMD's GPUs are not leased: each job uses the first of HIP_VISIBLE_DEVICES, or of all")
    if gpus:
        # All pipelines of a user on the machine share this folder.
        folder = Path(tempfile.gettempdir(), f"fashion-gpus-{os.getuid()}")
        os.environ["CUDA_VISIBLE_DEVICES"] = lease(gpus, arguments.per_gpu, folder)
    try:
        os.execvp(arguments.command[0], arguments.command)
    except OSError as error:
        raise UserError(f"{arguments.command[0]} cannot be run: {error.strerror}") from error


if __name__ == "__main__":
    exit_on_user_error(main)
