"""The dataset is verified wherever it comes from, and every fault of a source is named and survived."""

import gzip
import io
import os
import pty
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from fashion.data import dataset, download
from fashion.errors import UserError
from fashion.files import read_json

IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = dataset.FILES.values()
HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"


def idx(array: np.ndarray) -> bytes:
    """`array` (uint8) as an IDX file."""
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def noise(images: int) -> np.ndarray:
    return np.random.default_rng(images).integers(0, 256, (images, 28, 28), np.uint8)


CONTENTS = {
    IMAGES: idx(noise(30)),
    LABELS: idx(np.arange(30, dtype=np.uint8) % 10),
    TEST_IMAGES: idx(noise(20)),
    TEST_LABELS: idx(np.arange(20, dtype=np.uint8) % 10),
}
DATASET, CHECKSUMS = download.parse(CONTENTS, None)

FLIPPED = bytes((*CONTENTS[IMAGES][:-1], CONTENTS[IMAGES][-1] ^ 1))
TRUNCATED = CONTENTS[IMAGES][:1000]
TRUNCATED_GZIP = gzip.compress(CONTENTS[IMAGES], mtime=0)[:1000]
DAMAGED_GZIP = TRUNCATED_GZIP[:500] + bytes(100) + gzip.compress(CONTENTS[IMAGES], mtime=0)[600:]
UNDECODABLE_GZIP = TRUNCATED_GZIP[:10] + b"\xff" * 100


def write_folder(folder: Path, contents: dict[str, bytes] = CONTENTS, gzipped: bool = False) -> Path:
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / (f"{name}.gz" if gzipped else name)).write_bytes(
            gzip.compress(content, mtime=0) if gzipped else content
        )
    return folder


def as_bytes(found: dataset.Dataset) -> dict[str, tuple]:
    return {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in vars(found).items()}


@pytest.fixture(autouse=True)
def environment(monkeypatch, caplog):
    """All is logged; no proxy stands before local servers."""
    caplog.set_level("INFO", logger="fashion")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def folder(tmp_path):
    """A folder with the synthetic dataset."""
    return write_folder(tmp_path / "folder")


@pytest.fixture
def prepare(tmp_path):
    """`download.prepare` of the synthetic dataset into a new folder; returns that folder."""
    output = tmp_path / "output"

    def run(**options):
        options = {"sources": {}, "checksums": CHECKSUMS} | options
        download.prepare(output / "dataset.npz", output / "checksums.json", **options)
        return output

    return run


@pytest.fixture
def serve():
    """A function that starts a web server on this machine and returns its address and the list of names asked for.

    `respond(name, earlier)` gives the status (None: no HTTP at all), the length promised and the body for the file of
    that name, which was asked for `earlier` times before.
    """
    servers = []

    def start(respond):
        names = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.removeprefix("/data/").removesuffix(".gz")
                status, length, body = respond(name, names.count(name))
                names.append(name)
                if status is not None:
                    self.send_response(status)
                    self.send_header("Content-Length", str(length))
                    self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *arguments: None  # a client that gave up is what some tests are about
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/data/", names

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def good(name, earlier):
    body = gzip.compress(CONTENTS[name], mtime=0)
    return 200, len(body), body


def with_images(body, status=200, promised=None):
    """A server whose training images are this answer, and whose other files are good."""
    answer = status, len(body) if promised is None else promised, body
    return lambda name, earlier: answer if name == IMAGES else good(name, earlier)


def mirror(url, **options):
    return {url: partial(download.read_mirror, url, **({"pauses": (0.0, 0.0)} | options))}


def test_classes_are_those_of_table_1():
    assert ", ".join(dataset.CLASSES) == (
        "T-Shirt/Top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle Boot"
    )


def test_importing_it_does_not_import_torch():
    subprocess.run(
        [sys.executable, "-c", "import fashion.data.download, sys; assert 'torch' not in sys.modules"], check=True
    )


# Folders


def test_outputs_are_the_same_bytes_from_any_layout_and_any_source(tmp_path, prepare, serve):
    outputs = []
    for layout in (
        {"folder": write_folder(tmp_path / "plain")},
        {"folder": write_folder(tmp_path / "gzipped", gzipped=True)},
        {"folder": write_folder(tmp_path / "torchvision/FashionMNIST/raw").parents[1]},
        {"folder": tmp_path / "plain", "verify": False},
        {"sources": mirror(serve(good)[0])},
    ):
        output = prepare(**layout)
        outputs.append({path.name: path.read_bytes() for path in output.iterdir()})
    assert set(outputs[0]) == {"dataset.npz", "checksums.json"}
    assert all(output == outputs[0] for output in outputs)
    with zipfile.ZipFile(output / "dataset.npz") as archive:  # no time of writing, no compression
        assert {(entry.date_time, entry.compress_type) for entry in archive.infolist()} == {((1980, 1, 1, 0, 0, 0), 0)}
    assert read_json(output / "checksums.json") == CHECKSUMS
    assert as_bytes(dataset.load(output / "dataset.npz")) == as_bytes(DATASET)


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        (IMAGES, None, "is missing"),
        (IMAGES, b"", "not an IDX file of bytes in 3 dimensions"),
        (IMAGES, HTML, "an HTML page instead of data"),
        (IMAGES, TRUNCATED, f"1000 bytes, where its header promises {len(CONTENTS[IMAGES])}"),
        (IMAGES, FLIPPED, "wrong checksum"),
        (IMAGES, CONTENTS[IMAGES] + b"\0", "its header promises"),
        (f"{IMAGES}.gz", TRUNCATED_GZIP, "truncated or damaged gzip file"),
        (f"{IMAGES}.gz", DAMAGED_GZIP, "truncated or damaged gzip file (CRC check failed"),
        (f"{IMAGES}.gz", UNDECODABLE_GZIP, "truncated or damaged gzip file (Error -3"),
        (f"{IMAGES}.gz", gzip.compress(FLIPPED, mtime=0), "wrong checksum"),
        (f"{IMAGES}.gz", gzip.compress(HTML, mtime=0), "an HTML page instead of data"),
        (IMAGES, CONTENTS[TEST_IMAGES], "wrong checksum"),
        (IMAGES, CONTENTS[LABELS], "not an IDX file of bytes in 3 dimensions"),
    ],
)
def test_the_users_bad_folder_is_refused_and_no_other_source_taken(folder, prepare, file, content, reason):
    (folder / IMAGES).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    with pytest.raises(UserError) as error:
        prepare(folder=folder, sources={"another": lambda: CONTENTS})
    message = str(error.value)
    assert message.startswith(f"data.folder {folder}: {IMAGES}")
    assert reason in message
    assert "\n" not in message
    assert not (folder.parent / "output").exists()


def test_a_folder_that_does_not_exist_is_named(tmp_path, prepare):
    with pytest.raises(UserError, match=f"data.folder {tmp_path}/nowhere: no such folder; correct data.folder"):
        prepare(folder=tmp_path / "nowhere")


def test_a_home_that_nobody_has_is_a_missing_folder(prepare, monkeypatch):
    monkeypatch.setenv("HOME", "")
    for folder in ("~/data", "~nobody_at_all/data"):
        with pytest.raises(UserError, match=f"data.folder {folder}: no such folder"):
            prepare(folder=folder)


def test_a_file_that_unpacks_to_far_too_much_is_refused_before_it_has(folder, prepare, monkeypatch):
    monkeypatch.setattr("fashion.data.idx.LARGEST", len(CONTENTS[IMAGES]))
    prepare(folder=folder)
    (folder / IMAGES).write_bytes(gzip.compress(CONTENTS[IMAGES] + bytes(10**6)))
    with pytest.raises(UserError, match=f"{IMAGES}: more than {len(CONTENTS[IMAGES]):,} bytes"):
        prepare(folder=folder)


def test_a_server_that_sends_without_end_is_given_up(serve, monkeypatch):
    monkeypatch.setattr(download, "LARGEST", 100_000)
    url, names = serve(lambda name, earlier: (200, 10**9, bytes(10**6)))
    with pytest.raises(download.SourceError, match=f"{IMAGES}.gz: more than 100,000 bytes"):
        download.read_mirror(url)
    assert names == [IMAGES]


def test_files_may_have_the_names_that_7_zip_gives_them(folder, prepare):
    for path in list(folder.iterdir()):
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    assert "t10k-images.idx3-ubyte" in {path.name for path in folder.iterdir()}
    assert as_bytes(dataset.load(prepare(folder=folder) / "dataset.npz")) == as_bytes(DATASET)


# Unverified folders


def test_no_verify_takes_any_valid_dataset_and_records_its_checksums(folder, prepare):
    with pytest.raises(UserError, match="wrong checksum"):
        prepare(folder=folder, checksums=download.CHECKSUMS)
    output = prepare(folder=folder, checksums=download.CHECKSUMS, verify=False)
    assert read_json(output / "checksums.json") == CHECKSUMS
    assert as_bytes(dataset.load(output / "dataset.npz")) == as_bytes(DATASET)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (IMAGES, TRUNCATED, f"{IMAGES}: 1000 bytes"),
        (IMAGES, HTML, f"{IMAGES}: an HTML page"),
        (IMAGES, idx(noise(29)), r"train labels are int64 \[30\], not int64 \[29\]"),
        (IMAGES, idx(noise(30)[:, 1:]), r"train images are uint8 \[30, 27, 28\], not uint8 \[N, 28, 28\]"),
        (IMAGES, idx(noise(0)), r"train images are uint8 \[0, 28, 28\]"),
        (IMAGES, b"\0\0\x0b" + CONTENTS[IMAGES][3:], f"{IMAGES}: not an IDX file of bytes"),
        (TEST_LABELS, idx(np.arange(20, dtype=np.uint8) % 11), "test labels run from 0 to 10, not from 0 to 9"),
        (TEST_LABELS, idx(np.arange(19, dtype=np.uint8) % 10), r"test labels are int64 \[19\], not int64 \[20\]"),
    ],
)
def test_no_verify_still_refuses_what_is_no_dataset(folder, prepare, name, content, reason):
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=reason):
        prepare(folder=folder, verify=False)


def test_no_verify_needs_a_folder(prepare):
    with pytest.raises(UserError, match=r"--no-verify, data\.verify: false.* --folder or data\.folder"):
        prepare(verify=False, sources={"another": lambda: CONTENTS})


# Mirrors


@pytest.mark.parametrize(
    ("respond", "reason", "requests"),
    [
        (with_images(b"", status=404), "HTTP status 404 Not Found", 1),
        (with_images(b"", status=503), "HTTP status 503 Service Unavailable", 3),
        (with_images(b"SSH-2.0-OpenSSH\r\n", status=None), "SSH-2.0-OpenSSH", 3),
        (with_images(HTML), "an HTML page instead of data", 1),
        (with_images(TRUNCATED_GZIP), "truncated or damaged gzip file", 1),
        (with_images(gzip.compress(TRUNCATED, mtime=0)), "1000 bytes, where its header promises", 1),
        (with_images(gzip.compress(FLIPPED, mtime=0)), "wrong checksum", 1),
        (with_images(TRUNCATED_GZIP, promised=9999), "connection lost after 1000 of 9999 bytes", 3),
    ],
)
def test_a_mirror_that_fails_is_followed_by_the_next_source(serve, prepare, caplog, respond, reason, requests):
    url, names = serve(respond)
    output = prepare(sources=mirror(url) | {"the next": lambda: CONTENTS})
    assert names.count(IMAGES) == requests
    passed_over, taken = caplog.messages
    assert passed_over.startswith(f"no data from {url}: {IMAGES}")
    assert reason in passed_over
    assert taken == "Fashion-MNIST taken from the next"
    assert as_bytes(dataset.load(output / "dataset.npz")) == as_bytes(DATASET)


def test_a_connection_lost_half_way_is_tried_again(serve, prepare, caplog):
    def respond(name, earlier):
        status, length, body = good(name, earlier)
        return status, length, body if earlier else body[: length // 2]

    url, names = serve(respond)
    output = prepare(sources=mirror(url))
    assert sorted(names) == sorted([*dataset.FILES.values()] * 2)
    assert caplog.messages == [f"Fashion-MNIST taken from {url}"]
    assert as_bytes(dataset.load(output / "dataset.npz")) == as_bytes(DATASET)


def test_a_silent_server_is_given_up(serve):
    release = threading.Event()
    url, _ = serve(lambda name, earlier: (200, release.wait(2), b""))
    with pytest.raises(download.SourceError, match=f"{IMAGES}.gz: timed out"):
        download.read_mirror(url, pauses=(0.0,), timeout=0.1)
    release.set()


def test_progress_is_shown_on_a_terminal(serve):
    url, _ = serve(good)
    terminal, stderr = pty.openpty()
    termios.tcsetwinsize(stderr, (24, 80))
    os.set_blocking(terminal, False)  # so that no progress is an error here, not a wait without end
    program = f"from fashion.data import download; download.read_mirror({url!r})"
    subprocess.run([sys.executable, "-c", program], stderr=stderr, check=True)
    assert f"{IMAGES}.gz: 100%".encode() in os.read(terminal, 2**16)
    os.close(stderr)
    os.close(terminal)


def test_if_all_sources_fail_each_is_named_with_its_reason(tmp_path, serve, prepare):
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}/"  # nothing listens there from here on
    missing, _ = serve(with_images(b"", status=404))
    flipped, _ = serve(with_images(gzip.compress(FLIPPED, mtime=0)))

    def unreadable():
        raise PermissionError(13, "Permission denied", IMAGES)

    sources = {
        "/nowhere": partial(download.read_folder, "/nowhere"),
        "/unreadable": unreadable,
        **mirror(closed),
        **mirror(missing),
        **mirror(flipped),
    }
    with pytest.raises(UserError) as error:
        prepare(sources=sources)
    first, *lines, last = str(error.value).splitlines()
    assert first == "no source of Fashion-MNIST worked:"
    assert lines[:4] == [
        "  /nowhere: no such folder",
        f"  /unreadable: [Errno 13] Permission denied: '{IMAGES}'",
        f"  {closed}: {IMAGES}.gz: [Errno 111] Connection refused",
        f"  {missing}: {IMAGES}.gz: HTTP status 404 Not Found",
    ]
    assert lines[4].startswith(f"  {flipped}: {IMAGES}: wrong checksum: SHA-256 ")
    assert len(lines) == len(sources)
    assert "data.folder in config.yaml" in last
    assert not (tmp_path / "output").exists()


# Debian's package


@pytest.fixture
def apt_get(tmp_path, monkeypatch):
    """A function that puts an apt-get of this script first on the PATH; temporary folders are made in tmp_path/tmp."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))

    def install(script):
        program = tmp_path / "bin/apt-get"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)

    yield install
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.skipif(not Path("/usr/bin/dpkg-deb").exists(), reason="builds a package with dpkg-deb")
def test_the_debian_package_is_unpacked_without_installing_it(tmp_path, apt_get, prepare):
    root = write_folder(tmp_path / f"root{download.DEBIAN_FOLDER}", gzipped=True).parents[3]
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/control").write_text(
        "Package: dataset-fashion-mnist\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: tiny\n"
    )
    subprocess.run(["dpkg-deb", "--build", root, tmp_path / "tiny.deb"], check=True, stdout=subprocess.DEVNULL)
    # One repository of several may be out of reach, as long as the package comes.
    apt_get(f'case "$*" in *update) echo "E: no such repository" >&2; exit 100;; *) cp "{tmp_path}/tiny.deb" .;; esac')
    output = prepare(sources={"apt-get": download.read_debian_package})
    assert as_bytes(dataset.load(output / "dataset.npz")) == as_bytes(DATASET)


def test_why_apt_get_failed_is_its_first_error(apt_get):
    apt_get('case "$*" in *update) echo "W: Failed to fetch";; *) echo "E: Unable to locate"; exit 100;; esac >&2')
    with pytest.raises(download.SourceError, match=r"^W: Failed to fetch$"):
        download.read_debian_package()


def test_a_damaged_debian_package_is_a_failed_source(apt_get):
    apt_get('case "$*" in *download*) echo garbage > garbage.deb;; esac')
    with pytest.raises(download.SourceError, match=r"^dpkg -x: .*garbage\.deb"):
        download.read_debian_package()


def test_without_apt_get_that_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(download.SourceError, match="apt-get is not installed"):
        download.read_debian_package()


# Writing


def test_a_full_disk_is_a_clear_error_and_leaves_the_earlier_files(folder, prepare):
    def snapshot():
        return {path.name: path.read_bytes() for path in output.iterdir()}

    output = prepare(folder=folder)
    before = snapshot()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))  # bytes of one file: stands for a full disk
    try:
        with pytest.raises(UserError, match=f"cannot write {output}/dataset.npz .*File too large"):
            prepare(folder=folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert snapshot() == before


def test_killed_while_writing_it_leaves_no_half_of_a_file(folder, prepare, tmp_path):
    program = """
import os, signal, sys
import numpy
from fashion.data import download

def write_half_and_die(file, savez=numpy.savez, **arrays):
    savez(file, **arrays)
    file.truncate(file.tell() // 2)
    os.kill(os.getpid(), signal.SIGKILL)

numpy.savez = write_half_and_die
download.prepare(*sys.argv[1:], verify=False)
"""
    files = [tmp_path / "output/dataset.npz", tmp_path / "output/checksums.json"]
    for _ in range(2):  # first where there is no earlier file, then where there is one
        before = [path.exists() and path.read_bytes() for path in files]
        killed = subprocess.run([sys.executable, "-c", program, *files, folder], capture_output=True)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert [path.exists() and path.read_bytes() for path in files] == before
        prepare(folder=folder)
        assert as_bytes(dataset.load(files[0])) == as_bytes(DATASET)


# Loading


def npz(**changes):
    """The bytes of an npz file of the synthetic dataset with these arrays in place of its own."""
    np.savez(buffer := io.BytesIO(), **vars(DATASET) | changes)
    return buffer.getvalue()


def npy():
    np.save(buffer := io.BytesIO(), noise(3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "File is not a zip file"),
        (HTML, "File is not a zip file"),
        (npy(), "File is not a zip file"),
        (npz()[:5000], "File is not a zip file"),
        (npz()[:5000] + b"\0\0\0\0" + npz()[5004:], "Bad CRC-32"),
        (npz(train_images=np.array([print])), "Object arrays cannot be loaded when allow_pickle=False"),
        (npz(test_labels=np.arange(20)), "test labels run from 0 to 19, not from 0 to 9"),
        (npz(test_labels=DATASET.test_labels[1:]), r"test labels are int64 \[19\], not int64 \[20\]"),
        (npz(train_images=noise(30) / 255), "train images are float64"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused(tmp_path, content, reason):
    path = tmp_path / "dataset.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"^{path} is not a usable dataset .*{reason}.*; delete it and run") as error:
        dataset.load(path)
    assert "\n" not in str(error.value)


def test_a_missing_file_or_array_is_named(tmp_path):
    path = tmp_path / "dataset.npz"
    with pytest.raises(UserError, match=f"^{path} is not a usable dataset .*No such file"):
        dataset.load(path)
    np.savez(path, x=noise(3))
    with pytest.raises(UserError, match=f"^{path} is not a usable dataset .*train_images"):
        dataset.load(path)


# The command line


def test_the_command_line_shows_a_fault_in_one_line(tmp_path, folder):
    def run(*options):
        outputs = ["--output", tmp_path / "a/x.npz", "--checksums", tmp_path / "a/x.json"]
        return subprocess.run(
            [sys.executable, "-m", "fashion.data.download", *outputs, *options], capture_output=True, text=True
        )

    bad = run("--folder", folder)
    assert bad.returncode == 1
    assert bad.stderr.startswith(f"error: data.folder {folder}: {IMAGES}: wrong checksum")
    assert len(bad.stderr.splitlines()) == 1
    assert not (tmp_path / "a").exists()
    fine = run("--folder", folder, "--no-verify")
    assert (fine.returncode, fine.stderr) == (0, f"Fashion-MNIST taken from {folder}, not verified\n")
    assert as_bytes(dataset.load(tmp_path / "a/x.npz")) == as_bytes(DATASET)


# The real data


@pytest.mark.skipif(not Path(download.DEBIAN_FOLDER).is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_the_real_dataset_is_the_published_one(tmp_path, caplog):
    download.prepare(tmp_path / "dataset.npz", tmp_path / "checksums.json")
    assert caplog.messages == [f"Fashion-MNIST taken from {download.DEBIAN_FOLDER}"]
    assert read_json(tmp_path / "checksums.json") == download.CHECKSUMS
    found = dataset.load(tmp_path / "dataset.npz")
    assert found.train_images.shape == (60_000, 28, 28)
    assert found.test_images.shape == (10_000, 28, 28)
    assert np.bincount(found.train_labels).tolist() == [6000] * 10
    assert np.bincount(found.test_labels).tolist() == [1000] * 10
    mean = found.train_images.mean() / 255
    mean_of_squares = np.square(found.train_images, dtype=np.float32).mean(dtype=np.float64) / 255**2
    assert round(mean, 4) == 0.2860
    assert round((mean_of_squares - mean**2) ** 0.5, 4) == 0.3530


def test_a_dataset_swapped_under_its_checksums_is_refused(folder, prepare):
    output = prepare(folder=folder)
    swapped = vars(dataset.load(output / "dataset.npz"))
    np.savez(output / "dataset.npz", **swapped | {"train_labels": swapped["train_labels"][::-1]})
    with pytest.raises(
        UserError, match=rf"^{output}/dataset.npz is not the dataset that {output}/checksums.json names; d"
    ):
        dataset.load(output / "dataset.npz")
    (output / "checksums.json").unlink()
    dataset.load(output / "dataset.npz")  # of one's own, without checksums
