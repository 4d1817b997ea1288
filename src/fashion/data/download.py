"""Fashion-MNIST (Xiao et al. 2017): finds or downloads it, verifies it, and writes it as one npz file.

A source is a function that returns the contents of the four IDX files by name, or raises `SourceError`. `SOURCES` lists
them in the order in which they are tried. The files are parsed in `fashion.data.idx`: a change here retrains nothing.
"""

import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from http.client import HTTPException
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fashion.data.dataset import CHECKSUMS, FILES, Dataset
from fashion.data.idx import LARGEST, SourceError, parse
from fashion.errors import UserError
from fashion.files import atomic, write_json
from fashion.stage import configure, exit_on_user_error, logger, stage_parser

DEBIAN_PACKAGE = "dataset-fashion-mnist"
DEBIAN_FOLDER = "/usr/share/datasets/fashion-mnist"  # where the package puts the files

# The mirror that torchvision names, then upstream's own files. That mirror has no https; the checksums tell a forgery.
MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
)


def read_folder(folder: str | Path) -> dict[str, bytes]:
    """Returns the files in `folder` or in its FashionMNIST/raw, where torchvision puts them; each plain or gzipped.

    7-Zip unpacks train-images-idx3-ubyte.gz as train-images.idx3-ubyte.
    """
    folder = Path(os.path.expanduser(folder))  # pathlib's raises where there is no home
    if not folder.is_dir():
        raise SourceError("no such folder")
    contents = {}
    for name in FILES.values():
        names = (name, f"{name}.gz", name.replace("-idx", ".idx"))
        candidates = [place / file for place in (folder, folder / "FashionMNIST/raw") for file in names]
        path = next(filter(Path.is_file, candidates), None)
        if path is None:
            raise SourceError(f"{name} is missing, gzipped or plain")
        contents[name] = path.read_bytes()
    return contents


def read_mirror(url: str, pauses: tuple[float, ...] = (1.0, 3.0), timeout: float = 10.0) -> dict[str, bytes]:
    """Returns the gzipped files under `url`.

    After a network error it tries again after each of `pauses`. `timeout` is how long the server may be silent. Both
    are in seconds.
    """
    return {name: _download(f"{url}{name}.gz", pauses, timeout) for name in FILES.values()}


def _download(url: str, pauses: tuple[float, ...], timeout: float) -> bytes:
    name = url.rpartition("/")[2]
    for pause in (*pauses, None):
        try:
            with urllib.request.urlopen(url, timeout=timeout) as response:
                total = response.length
                content = bytearray()
                with tqdm(total=total, desc=name, unit="B", unit_scale=True, disable=None) as progress:
                    while chunk := response.read(2**16):
                        content += chunk
                        if len(content) > LARGEST:
                            raise SourceError(f"{name}: more than {LARGEST:,} bytes")
                        progress.update(len(chunk))
            if total is None or len(content) == total:
                return bytes(content)
            reason = f"connection lost after {len(content)} of {total} bytes"
        except urllib.error.HTTPError as error:
            with error:
                reason = f"HTTP status {error.code} {error.reason}"
            if error.code < 500:
                break
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
        if pause is not None:
            time.sleep(pause)
    raise SourceError(f"{name}: {' '.join(str(reason).split())}")  # one line, whatever a foreign server sent


def read_debian_package() -> dict[str, bytes]:
    """Returns the files of Debian's package dataset-fashion-mnist, which is downloaded and unpacked, not installed."""
    if shutil.which("apt-get") is None:
        raise SourceError("apt-get is not installed")
    with tempfile.TemporaryDirectory() as folder:
        # Package lists in this folder need no root, and work in a container without lists. Only the repository with
        # the package need answer, so apt-get's exit status does not count: the package does.
        lists = Path(folder, "lists")
        lists.mkdir()
        private = [f"-oDir::State::Lists={lists}", f"-oDir::Cache={folder}", "-oAPT::Sandbox::User=root"]
        apt = ["apt-get", *private, "-oAcquire::http::Timeout=10", "-oAcquire::Retries=1"]
        run = partial(subprocess.run, cwd=folder, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
        messages = run([*apt, "update"]).stderr + run([*apt, "download", DEBIAN_PACKAGE]).stderr
        package = next(Path(folder).glob("*.deb"), None)
        if package is None:
            failures = [line for line in messages.splitlines() if line.startswith(("E:", "W: Failed"))]
            raise SourceError(failures[0] if failures else "apt-get gave no package")
        unpacking = run(["dpkg", "-x", package, folder])
        if unpacking.returncode != 0:
            raise SourceError(f"dpkg -x: {' '.join(unpacking.stderr.split())}")
        return read_folder(f"{folder}/{DEBIAN_FOLDER}")


Sources = Mapping[str, Callable[[], dict[str, bytes]]]

SOURCES: Sources = {
    DEBIAN_FOLDER: partial(read_folder, DEBIAN_FOLDER),
    **{url: partial(read_mirror, url) for url in MIRRORS},
    f"apt-get download {DEBIAN_PACKAGE}": read_debian_package,
}


def find(sources: Sources, checksums: Mapping[str, str]) -> tuple[Dataset, dict[str, str]]:
    """Returns what `parse` returns for the first of `sources` that works.

    Logs that source, and why the ones before it failed. If all fail, raises a `UserError` with each reason.
    """
    failures = []
    for source, read in sources.items():
        try:
            found = parse(read(), checksums)
        except (SourceError, OSError) as error:
            failures.append(f"{source}: {error}")
            continue
        for failure in failures:
            logger.warning(f"no data from {failure}")
        logger.info(f"Fashion-MNIST taken from {source}")
        return found
    raise UserError(
        "no source of Fashion-MNIST worked:",
        *(f"  {failure}" for failure in failures),
        "To use your own copy, set data.folder in config.yaml to the folder of its four files.",
    )


def prepare(
    output: str | Path,
    checksums_output: str | Path,
    folder: str | Path | None = None,
    verify: bool = True,
    sources: Sources = SOURCES,
    checksums: Mapping[str, str] = CHECKSUMS,
) -> None:
    """Writes the dataset to `output` (npz) and the SHA-256 of its files to `checksums_output` (JSON).

    Both have the same bytes for every source. A `folder` was chosen on purpose, so it is the only source. Without
    `verify` its files may hold any valid dataset. Raises `UserError` if no source works.
    """
    if folder:
        dataset, digests = _read_chosen(folder, checksums if verify else None)
        logger.info(f"Fashion-MNIST taken from {folder}{'' if verify else ', not verified'}")
    elif verify:
        dataset, digests = find(sources, checksums)
    else:
        raise UserError("unverified data (--no-verify, data.verify: false) must be given as --folder or data.folder")
    try:
        with atomic(output) as temporary, open(temporary, "wb") as file:
            np.savez(file, **vars(dataset))
        write_json(checksums_output, digests)
    except OSError as error:
        raise UserError(f"cannot write {output} and {checksums_output}: {error}") from error


def content_checksums(folder: str | Path | None, verify: bool) -> Mapping[str, str]:
    """Returns the SHA-256 of each file that `prepare` will accept: the published ones unless `verify` is off."""
    return CHECKSUMS if verify or folder is None else _read_chosen(folder, None)[1]


def _read_chosen(folder: str | Path, checksums: Mapping[str, str] | None) -> tuple[Dataset, dict[str, str]]:
    """Returns what `parse` returns for the folder that the user chose; raises a `UserError` if that fails."""
    try:
        return parse(read_folder(folder), checksums)
    except (SourceError, OSError) as error:
        raise UserError(f"data.folder {folder}: {error}; correct data.folder in config.yaml or unset it") from error


def main() -> None:
    parser = stage_parser("Find or download Fashion-MNIST, verify it, and write it as one npz file.")
    parser.epilog = "Sources, in order: " + "; ".join(SOURCES) + "."
    parser.add_argument("--output", type=Path, required=True, help="the npz file to write the dataset to")
    parser.add_argument("--checksums", type=Path, required=True, help="the JSON file to write the SHA-256 checksums to")
    parser.add_argument("--folder", help="the only folder to take the four IDX files from, gzipped or plain")
    parser.add_argument(
        "--no-verify", action="store_true", help="accept any valid IDX files of 28 x 28 images from --folder"
    )
    parser.add_argument("--log", type=Path, help="write log lines to this file too")
    arguments = parser.parse_args()
    configure(arguments.log)
    prepare(arguments.output, arguments.checksums, arguments.folder, verify=not arguments.no_verify)


if __name__ == "__main__":
    exit_on_user_error(main)
