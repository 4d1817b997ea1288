"""Run a command on a GPU of its own: python -m fashion.training.lease python -m fashion.training.train ...

Each GPU has a lock file, which the command holds for as long as it lives: however it ends, kill -9 included, the kernel
frees the GPU. The command takes this process's place, so that signals and exit status are its own, once there is a GPU
for it; that one's UUID is then all of its CUDA_VISIBLE_DEVICES. Nothing is leased under SLURM, which gives each job
its own GPUs, nor where there is no GPU.
"""

import argparse
import fcntl
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from fashion.errors import UserError
from fashion.stage import configure, exit_on_user_error, logger, stage_parser

POLL_SECONDS = 0.5


def visible_gpus(listing: str, visible: str | None) -> list[str]:
    """The UUIDs of the GPUs that a process may use; of a GPU that is split by MIG, those of its parts.

    Args:
        listing: what `nvidia-smi -L` prints.
        visible: CUDA_VISIBLE_DEVICES: UUIDs, beginnings of UUIDs, or indices, which count as nvidia-smi does. As in
            CUDA, an unknown entry ends the list. None: all.
    """
    gpus: list[list[str]] = []
    for uuid in re.findall(r"\(UUID: ([^)]+)\)", listing):
        if uuid.startswith("MIG-"):
            gpus[-1].append(uuid)
        else:
            gpus.append([uuid])
    usable = [parts or [whole] for whole, *parts in gpus]
    if visible is None:
        return [uuid for gpu in usable for uuid in gpu]
    chosen = []
    for entry in visible.split(","):
        entry = entry.strip()
        if entry.isdecimal():
            found = usable[int(entry)] if int(entry) < len(usable) else []
        else:
            found = [uuid for gpu in gpus for uuid in gpu if entry and uuid.startswith(entry)]
        if not found:
            break
        chosen.append(found[0])
    return list(dict.fromkeys(chosen))


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


def listed() -> str:
    """What `nvidia-smi -L` prints; nothing where there is no NVIDIA driver."""
    try:
        return subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        return ""
    except (OSError, subprocess.CalledProcessError) as error:
        logger.warning(f"no GPU is leased, jobs may share one: {error}")
        return ""


def has_gpu() -> bool:
    """Whether there is a GPU that a training may use: NVIDIA's, or AMD's, whose driver is /dev/kfd."""
    return bool(visible_gpus(listed(), os.environ.get("CUDA_VISIBLE_DEVICES"))) or Path("/dev/kfd").exists()


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--per-gpu", type=int, default=1, help="how many commands may share a GPU (default: 1)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run, with its arguments")
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("no command is given")
    configure(None)
    gpus = [] if "SLURM_JOB_ID" in os.environ else visible_gpus(listed(), os.environ.get("CUDA_VISIBLE_DEVICES"))
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
