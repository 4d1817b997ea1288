"""Run a command on a GPU of its own: python -m fashion.machine.lease python -m fashion.training.train ...

Each GPU has a lock file, which the command holds for as long as it lives: however it ends, kill -9 included, the kernel
frees the GPU. The command takes this process's place, so that signals and exit status are its own, once there is a GPU
for it; that one's UUID is then all of its CUDA_VISIBLE_DEVICES. Nothing is leased under SLURM, which gives each job
its own GPUs, nor where there is no GPU, nor of AMD's GPUs.
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
    """Take one of `gpus`, waiting for it if need be, until this process and those that take its place have ended.

    Args:
        per_gpu: how many processes may have the same GPU; the emptiest is taken.
        folder: where the lock files are: one for each GPU and place on it.

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
    """Lock a file for good, or return False if another process has it. A lock file is never deleted."""
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
    # The command that takes this process's place keeps the lock; Python closes it in processes that this one starts.
    os.set_inheritable(descriptor, True)
    return True


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--per-gpu", type=int, default=1, help="how many commands may share a GPU (default: 1)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run, with its arguments")
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("no command is given")
    configure(None)
    gpus = []
    if "SLURM_JOB_ID" not in os.environ:
        gpus = visible_gpus(listed(), os.environ.get("CUDA_VISIBLE_DEVICES"), gpu_capabilities())
        if not gpus and AMD_DRIVER.exists():
            logger.info("AMD's GPUs are not leased: each job uses the first one of HIP_VISIBLE_DEVICES, or of all")
    if gpus:
        # One folder for all of a user's pipelines on the machine.
        folder = Path(tempfile.gettempdir(), f"fashion-gpus-{os.getuid()}")
        os.environ["CUDA_VISIBLE_DEVICES"] = lease(gpus, arguments.per_gpu, folder)
    try:
        os.execvp(arguments.command[0], arguments.command)
    except OSError as error:
        raise UserError(f"{arguments.command[0]} cannot be run: {error.strerror}") from error


if __name__ == "__main__":
    exit_on_user_error(main)
