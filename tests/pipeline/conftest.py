"""Whole pipelines on a tiny dataset, run as a user runs them."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from fashion.data.dataset import CHECKSUMS, FILES, Dataset
from helpers import forked
from helpers.checkout import ROOT


class Study:
    """A folder with a config.yaml, a tiny dataset and the results that the pipeline of `checkout` writes there."""

    def __init__(self, folder: Path, config: dict, checkout: Path):
        self.folder, self.checkout = folder, checkout
        self.configure(config)

    @property
    def config(self) -> dict:
        return yaml.safe_load((self.folder / "config.yaml").read_text())

    @property
    def environment(self) -> dict[str, str]:
        """One in which `python` is the one that runs the tests."""
        return os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}

    def configure(self, config: dict) -> None:
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def arguments(self, *arguments: str) -> list[str]:
        """Those of the user's command for two cores, on which two trainings of one thread each run at a time."""
        return ["--snakefile", str(self.checkout / "Snakefile"), "--cores", "2", "--resources", "gpu=1", *arguments]

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run snakemake in the folder; its output is in `stdout`, errors too."""
        return forked.run(self.arguments(*arguments), self.folder, self.environment)

    @contextmanager
    def under_way(
        self, model: str, until: str, interpreter: str | Path = sys.executable
    ) -> Generator[subprocess.Popen]:
        """Snakemake training a model's only run, once that one's log says `until`; nothing of it is left in the end.

        It has a session of its own, unless it is a fork: a signal goes to the whole process group, as a terminal's
        Ctrl-C does.
        """
        run = f"results/tiny/runs/{model}/both/seed0"
        log = self.folder / f"results/tiny/logs/{model}/both/seed0.log"
        printed = self.folder / "printed.txt"
        with printed.open("w") as output:
            process = subprocess.Popen(
                [interpreter, "-m", "snakemake", *self.arguments("--", f"{run}/model.safetensors")],
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + 120
            while not (log.exists() and until in log.read_text()):
                assert process.poll() is None, printed.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield process
            process.wait(timeout=60)
        finally:
            with suppress(ProcessLookupError):  # its jobs outlive it where it was killed alone
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def planned(self, *arguments: str) -> dict[str, int]:
        """How many jobs of each rule a dry run plans; {} if there is nothing to do."""
        done = self.snakemake("--dry-run", "--printshellcmds", *arguments)
        assert done.returncode == 0, done.stdout
        table = re.search(r"^Job stats:\n.*\n-.*\n((?:\w+ +\d+\n)+)", done.stdout, re.MULTILINE)
        assert table or "Nothing to be done" in done.stdout, done.stdout
        counts = dict(line.split() for line in table[1].splitlines()) if table else {}
        return {rule: int(count) for rule, count in counts.items() if rule not in ("total", "all")}

    def dry_run(self, *arguments: str) -> tuple[set[str], list[str]]:
        """What a dry run plans, and the lines of the status that it ends with.

        A job is its rule and its wildcards: `train vgg8 both 0`.
        """
        done = self.snakemake("--dry-run", "--printshellcmds", *arguments)
        assert done.returncode == 0, done.stdout
        jobs = set()
        for rule, block in re.findall(r"^(?:local)?rule (\w+):\n((?: +.*\n)+)", done.stdout, re.MULTILINE):
            wildcards = re.search(r"^ +wildcards: (.*)$", block, re.MULTILINE)
            values = [pair.partition("=")[2] for pair in wildcards[1].split(", ")] if wildcards else []
            jobs.add(" ".join([rule, *values]))
        status = re.findall(r"^\w+ \w+ seeds? \d.*|^study \w+: .*|^then: .*", done.stdout, re.MULTILINE)
        return jobs - {"all"}, status

    def copy(self, folder: Path) -> "Study":
        """This study in a folder that is to be made; its own checkout with it, if that is in its folder."""
        shutil.copytree(self.folder, folder)
        own = self.checkout.is_relative_to(self.folder)
        return Study(folder, self.config, folder / self.checkout.relative_to(self.folder) if own else self.checkout)


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write an array of bytes as an IDX file, the format of the MNIST datasets."""
    header = np.array([0x0800 + array.ndim, *array.shape], dtype=">u4").tobytes()
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def shrink(settings: dict) -> dict:
    """A model's settings with a sixteenth of the channels, and one narrow transformer layer."""
    small = dict(settings)
    if "layers" in small:
        small["layers"] = [entry if entry == "M" else max(1, entry // 16) for entry in small["layers"]]
    if "width" in small:
        small |= {"width": 16, "heads": 2, "depth": 1}
    return small


@pytest.fixture(scope="session")
def idx_folder(dataset: Dataset, tmp_path_factory) -> Path:
    """The tiny dataset as the four IDX files."""
    folder = tmp_path_factory.mktemp("idx")
    for name, file in FILES.items():
        write_idx(folder / file, getattr(dataset, name))
    return folder


def take_for_fashion_mnist(folder: Path, checkout: Path) -> None:
    """Have a copy of the checkout take the dataset in a folder for Fashion-MNIST, of which alone the report speaks."""
    dataset = checkout / "src/fashion/data/dataset.py"
    text = dataset.read_text()
    for name, published in CHECKSUMS.items():
        text = text.replace(published, hashlib.sha256((folder / name).read_bytes()).hexdigest())
    dataset.write_text(text)


@pytest.fixture(scope="session")
def checkout(idx_folder, tmp_path_factory) -> Path:
    """A copy of the checkout that takes the tiny dataset for Fashion-MNIST."""
    copy = tmp_path_factory.mktemp("checkout")
    for folder in ("src", "workflow", "envs", "profiles", "docs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", copy)
    take_for_fashion_mnist(idx_folder, copy)
    return copy


@pytest.fixture(scope="session")
def make_study(idx_folder, checkout, tmp_path_factory) -> Callable[[dict], Study]:
    """Make a study from the checkout's configuration, shrunk: every model of it unless told otherwise."""

    def make(models: list[str] | None = None) -> tuple[Study, dict]:
        config = yaml.safe_load((ROOT / "config.yaml").read_text())
        config["study"] = "tiny"
        config["data"] = {"folder": str(idx_folder), "verify": False}
        config["training"] |= {"train_images": 60, "test_images": 20, "batch_size": 16, "epochs": 2}
        config["studies"] = {"tiny": {"note": "tiny study, a test", "seeds": [0], "augmentations": ["both"]}}
        config["models"] = {name: config["models"][name] for name in models or config["models"]}
        for entry in config["models"].values():
            entry["settings"] = shrink(entry["settings"])
            if entry["family"] == "vgg":
                entry["settings"]["hidden"] = [16]
        return Study(tmp_path_factory.mktemp("study"), config, checkout), config

    return make


# All that a figure of the report shows, once each: `make quick`, which CI runs, has all twelve.
MODELS = ["vgg8", "vgg8_wide", "vgg12", "resnet18", "resnet18_narrow", "resnet18_dilated"]
MODELS += ["vit", "vit_depthwise", "vit_patchfree"]


@dataclass(frozen=True)
class Whole:
    """A finished study with every figure of the report, and what Snakemake said of it before and while it ran.

    Only for reading: `study.copy` is for changing. Its checkout is in its folder.
    """

    study: Study
    config: dict
    planned: str
    jobs: dict[str, int]
    said: str


@pytest.fixture(scope="session")
def whole(make_study, checkout) -> Whole:
    """Made once: the tests that use it are run by one process."""
    study, config = make_study(MODELS)
    study.checkout = study.folder / "checkout"
    shutil.copytree(checkout, study.checkout)
    jobs, planned = study.planned(), study.snakemake("--dry-run").stdout
    done = study.snakemake()
    assert done.returncode == 0, done.stdout
    return Whole(study, config, planned, jobs, done.stdout)
