"""`python -m ...` in forks of one process that has imported torch, Snakemake and others, which takes seconds each time.

`python()` returns the path of a command that stands in for the interpreter. A forked Snakemake calls its jobs with it
too. Tests that send signals to a whole session, or use SLURM, start interpreters.
"""

import atexit
import fcntl
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

SECONDS = 1500
# Not the package itself, because a test may run another checkout's.
IMPORTED = (
    *("jinja2", "jsonschema", "matplotlib.pyplot", "matplotlib.backends.backend_svg", "pandas", "PIL.Image", "psutil"),
    *("safetensors.torch", "scipy.special", "torch._dynamo", "torch.utils.flop_counter", "tqdm", "yaml"),
)
# Where the server is, and the process that it ends with: set by tests/conftest.py, so that xdist's processes share one.
FOLDER, OWNER = "FORKED_FOLDER", "FORKED_OWNER"
# The command passes the call and its files on, then signals, until the fork has ended.
CLIENT = """\
#!{interpreter} -IS
import json, os, signal, socket, sys

if sys.argv[1:2] != ["-m"] and sys.argv[1:4] != ["-W", "error", "-m"]:
    os.execv({interpreter!r}, [{interpreter!r}, *sys.argv[1:]])
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.connect({address!r})
call = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [call], [0, 1, 2])
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda number, _: server.send(bytes([number])))
status = int(server.recv(16) or b"-9")
if status < 0:
    signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
    os.kill(os.getpid(), -status)
os._exit(status)
"""


def python() -> Path:
    """Returns the command; its server starts with the first call, and ends with the tests."""
    folder = Path(os.environ[FOLDER])
    folder.mkdir(mode=0o700, exist_ok=True)
    address, command = folder / "socket", folder / "python"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not command.exists():
            command.write_text(CLIENT.format(interpreter=sys.executable, address=str(address)))
            command.chmod(0o755)
            line = [sys.executable, "-W", "error", __file__, os.environ[OWNER], str(address)]
            server = os.posix_spawn(sys.executable, line, os.environ, setsid=True)
            while not address.exists():
                assert os.waitpid(server, os.WNOHANG) == (0, 0), "the server of forks has ended"
                time.sleep(0.05)
    return command


def run(arguments: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    """Runs Snakemake in a folder; its output is in `stdout`, errors too."""
    return subprocess.run(
        [python(), "-m", "snakemake", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )


def serve(owner: int, address: Path) -> None:
    """Forks for each call, until the process `owner` has ended."""
    for name in IMPORTED:
        importlib.import_module(name)
    with warnings.catch_warnings():  # only warnings of what the package imports are errors
        warnings.simplefilter("ignore")
        importlib.import_module("snakemake.cli")
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a call's monitor
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"{address}.new")
    listener.listen(100)
    os.rename(f"{address}.new", address)
    while Path(f"/proc/{owner}").exists():
        if select.select([listener], [], [], 1)[0]:
            client, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                monitor(client, address.with_name("python"))
            client.close()
    shutil.rmtree(address.parent)


def monitor(client: socket.socket, command: Path) -> None:
    """Forks a call's process, passes signals on to it, ends it if the client ends, and gives its status back."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    call, files, _, _ = socket.recv_fds(client, 2**20, 3)
    child = os.fork()
    if child == 0:
        client.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os._exit(called(*json.loads(call), command))
    for file in files:
        os.close(file)
    ended = os.pidfd_open(child)
    while True:
        ready, _, _ = select.select([client, ended], [], [])
        if ended in ready:
            break
        os.kill(child, (client.recv(1) or bytes([signal.SIGKILL]))[0])
    _, status = os.waitpid(child, 0)
    try:
        client.send(str(os.waitstatus_to_exitcode(status)).encode())
    finally:
        os._exit(0)


def called(arguments: list[str], folder: str, environment: dict[str, str], command: Path) -> int:
    """Runs a module as `python -m` does; returns the exit status."""
    given = arguments
    if given[0] == "-W":
        arguments = arguments[2:]
    else:
        warnings.filters.remove(("error", None, Warning, None, 0))  # the server's own
        sys.warnoptions.clear()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    sys.stdin = os.fdopen(0, encoding=encoding, closefd=False)
    sys.stdout = os.fdopen(1, "w", 1 if os.isatty(1) else -1, encoding=encoding, closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding=encoding, errors="backslashreplace", closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:1] = [folder, *paths]  # in place of the folder of this file
    sys.executable, sys.orig_argv, sys.argv = str(command), [str(command), *given], arguments[1:]
    try:
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return status


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
