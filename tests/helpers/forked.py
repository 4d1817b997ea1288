"""Snakemake as its command runs it, in forks of a process that has imported it: that takes longer than a dry run."""

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 1500
_SERVER = multiprocessing.get_context("forkserver")  # see tests/conftest.py


def run(arguments: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    """Run Snakemake in a folder; its output is in `stdout`, errors too."""
    with tempfile.NamedTemporaryFile("r") as output:
        process = _SERVER.Process(target=_snakemake, args=(arguments, folder, environment, output.name))
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(arguments, SECONDS, output.read())
        return subprocess.CompletedProcess(arguments, process.exitcode, output.read())


def _snakemake(arguments: list[str], folder: Path, environment: dict[str, str], output: str) -> None:
    """What the fork does: become the command, with its folder, environment and output, up to its end."""
    descriptor = os.open(output, os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # the server's, if it has asked for one
    sys.path[0], sys.argv = str(folder), ["snakemake", *arguments]
    # The checkout that it runs has a package of its own.
    for name in [name for name in sys.modules if name.partition(".")[0] == "fashion"]:
        del sys.modules[name]
    from snakemake import cli

    try:
        cli.main()
    finally:
        atexit._run_exitfuncs()  # which multiprocessing leaves out
