"""Run a command on a GPU of its own: python -m fashion.machine.on_gpu python -m fashion.training.train ...

When a GPU is free, the command replaces this process, so that signals and exit status are its own. Its
CUDA_VISIBLE_DEVICES is that GPU's UUID. Nothing is leased without a GPU, on AMD's GPUs, or under SLURM, which gives
each job its own GPUs.
"""

import argparse
import os
import tempfile
from pathlib import Path

from fashion.errors import UserError
from fashion.machine.gpus import AMD_DRIVER, gpu_capabilities, listed, visible_gpus
from fashion.machine.lease import lease
from fashion.stage import configure, exit_on_user_error, logger, stage_parser


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
