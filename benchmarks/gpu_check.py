"""Checks the CUDA code on a GPU, in five minutes at most.

Run `make gpu-check`. It writes results/gpu-check.md, which lists what each check expected and what it saw; attach that
file to an issue. The exit status is 1 if a check failed. Without a GPU it is a rehearsal, and says so.
"""

import argparse
import csv
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
import yaml
from augment import BATCH, CLASSES
from tabulate import tabulate
from torch import nn

from fashion.data.dataset import load
from fashion.data.operations import OPS, apply_ops
from fashion.errors import UserError
from fashion.files import atomic, read_json, write_json
from fashion.machine.device import LEAST_DRIVERS, check_gpu
from fashion.machine.gpus import driver_version, listed
from fashion.models.build import build
from fashion.training.cuda_graph import GraphedStep
from fashion.training.inference import place, use_device
from fashion.training.optimizer import make_optimizer
from fashion.training.provenance import collect
from fashion.training.step import make_step

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "results/gpu-check.md"
MODELS = ("published_vgg8", "published_resnet18", "published_vit_5x8", "published_vit_depthwise_5x8")
# P13, the report's VGG8, as two cores trained it. From seed to seed its first epochs differ by less than `TOLERANCE`.
REFERENCE = ROOT / "docs/reference/published/runs/published_vgg8/both/seed0"
EPOCHS, COLUMNS, TOLERANCE = 2, ("train_loss", "validation_accuracy", "test_accuracy"), 0.04
STEPS = 10
NO_GPU = "no GPU"


class Outcome(NamedTuple):
    """How a check ended: what it saw, whether it passed (None: it cannot tell here), and its whole output."""

    seen: str
    passed: bool | None
    output: str


def environment() -> list[str]:
    """Returns ten lines about the source, the system, torch and the GPU."""
    facts = collect(use_device(None))
    cuda = torch.cuda.is_available()
    properties = torch.cuda.get_device_properties(0) if cuda else None
    gpu = f"{properties.major}.{properties.minor}, {properties.total_memory / 2**30:.1f} GiB" if properties else NO_GPU
    least = LEAST_DRIVERS.get((torch.version.cuda or "").partition(".")[0])
    return [
        f"commit: {facts['commit']}",
        f"system: {facts['platform']}, Python {facts['python']}, {os.cpu_count()} cores, {platform.machine()}",
        f"torch: {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}",
        f"architectures: {' '.join(torch.cuda.get_arch_list())}",
        f"device: {facts['device']}",
        f"compute capability and memory: {gpu}",
        f"driver: {driver_version()}, needed: {least or 'unknown'} or newer",
        f"GPUs: {'; '.join(line.strip() for line in listed().splitlines()) or 'none listed'}",
        f"CUDA_VISIBLE_DEVICES: {os.environ.get('CUDA_VISIBLE_DEVICES', 'not set')}",
        f"SLURM: {'job ' + os.environ['SLURM_JOB_ID'] if 'SLURM_JOB_ID' in os.environ else 'no'}",
    ]


def run(seconds: float, *command: str | Path) -> tuple[int, str]:
    """Runs a Python command in a process of its own, which a crash of CUDA spoils; returns exit status and output."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    try:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        return 124, (error.stdout or b"").decode() + f"\nnot done after {seconds:.0f} s"
    return done.returncode, done.stdout


def last_line(output: str) -> str:
    return (output.strip().splitlines() or ["no output"])[-1]


def cuda_tests(seconds: float, folder: Path) -> Outcome:
    files = [file for file in sorted(ROOT.glob("tests/unit/test_*.py")) if "mark.cuda" in file.read_text()]
    status, output = run(seconds, "-m", "pytest", "-n0", "-rs", "-m", "cuda", *files)
    seen = ", ".join(re.findall(r"\d+ (?:passed|failed|skipped|errors?)", last_line(output)))
    passed = status == 0 and "passed" in seen and "skipped" not in seen
    return Outcome(seen, passed if torch.cuda.is_available() else None, output)


def own(name: str) -> Callable[[float, Path], Outcome]:
    """Returns a check of this file in a process of its own, which prints in its last line what it saw."""

    def check(seconds: float, folder: Path) -> Outcome:
        status, output = run(seconds, __file__, "--check", name, "--data", folder / "data.npz")
        return Outcome(last_line(output), status == 0, output)

    return check


def graph(data: Path) -> tuple[str, bool]:
    """Returns the largest relative difference of a loss between graph and eager steps, and whether it is small."""
    device = use_device(None)
    models = yaml.safe_load((ROOT / "config.yaml").read_text())["models"]
    worst = 0.0
    for name in MODELS:
        losses = []
        for graphed in (True, False):
            torch.manual_seed(0)
            model = place(build(models[name]), device)
            for module in model.modules():
                if isinstance(module, nn.Dropout):
                    module.p = 0.0
            step = make_step(model, make_optimizer(model, 0.001))
            if isinstance(step, GraphedStep) and not graphed:
                step = step.step
            images = torch.rand(STEPS, BATCH, 1, 28, 28, device=device) * 2 - 1
            targets = torch.rand(STEPS, BATCH, CLASSES, device=device).softmax(dim=2)
            losses.append(torch.stack([step(*batch)[0].clone() for batch in zip(images, targets, strict=True)]))
        difference = ((losses[0] - losses[1]) / losses[1]).abs().max().item()
        print(f"{name}: {difference:.1e}; losses {losses[0].tolist()}")
        worst = max(worst, difference)
    return f"{worst:.1e}", worst < 1e-3


def augmentation(data: Path) -> tuple[str, bool]:
    """Returns how many pixels of real images differ between the devices, over all operations and directions."""
    images = torch.from_numpy(load(data).test_images[:2000, None])
    device = use_device(None)
    differ = 0
    for variant in range(2 * len(OPS)):
        op, sign = torch.full((len(images),), variant // 2), torch.full((len(images),), 1 - 2 * (variant % 2))
        there = apply_ops(images.to(device), op.to(device), sign.to(device), 9).cpu()
        count = int((there != apply_ops(images, op, sign, 9)).sum())
        print(f"{OPS[variant // 2]} {int(sign[0]):+d}: {count}")
        differ += count
    return f"{differ} pixels", differ == 0


def augment_benchmark(seconds: float, folder: Path) -> Outcome:
    status, output = run(seconds, "benchmarks/augment.py", "--images", "5000")
    ratio = last_line(output).split("|")[-2].strip() if status == 0 else "none"
    return Outcome(f"{ratio} times", status == 0 and float(ratio) > 1, output)


def training_benchmark(seconds: float, folder: Path) -> Outcome:
    table = folder / "training.csv"
    models = ("published_vgg8", "published_vit_5x8")
    arguments = ("--models", *models, "--repetitions", "1", "--seconds", "2", "--output", table)
    status, output = run(seconds, "benchmarks/training.py", *arguments)
    if status:
        return Outcome(last_line(output), False, output)
    ratios = [float(row["ratio"]) for row in csv.DictReader(table.open())]
    return Outcome(" and ".join(f"{ratio:g}" for ratio in ratios) + " times", min(ratios) > 1, output)


def history(run: Path) -> list[dict[str, str]]:
    with open(run / "history.csv", newline="") as file:
        return list(csv.DictReader(file))[:EPOCHS]


def written(rows: list[dict[str, str]]) -> str:
    return "; ".join(", ".join(f"{float(row[column]):.3f}" for column in COLUMNS) for row in rows)


def training(seconds: float, folder: Path) -> Outcome:
    spec = read_json(REFERENCE / "spec.json")
    spec["training"]["epochs"] = EPOCHS
    write_json(folder / "spec.json", spec)
    arguments = ("--spec", folder / "spec.json", "--data", folder / "data.npz", "--output", folder / "run")
    status, output = run(
        seconds, "-m", "fashion.machine.on_gpu", sys.executable, "-m", "fashion.training.train", *arguments
    )
    if status:
        return Outcome(last_line(output), False, output)
    rows = history(folder / "run")
    pairs = zip(rows, history(REFERENCE), strict=True)
    near = all(abs(float(row[column]) - float(old[column])) < TOLERANCE for row, old in pairs for column in COLUMNS)
    provenance = {key: value for key, value in read_json(folder / "run/provenance.json").items() if key != "command"}
    output += f"\n{json.dumps(provenance)}\n" + "".join(f"{row['seconds']} s, {row['joules']} J\n" for row in rows)
    return Outcome(written(rows), near, output)


class Check(NamedTuple):
    name: str
    expected: str
    seconds: int  # limit on a GPU
    check: Callable[[float, Path], Outcome]


CHECKS = (
    Check("tests that need a GPU", "all passed, none skipped", 80, cuda_tests),
    Check("graph against eager steps, losses", "differ by less than 1e-3", 40, own("graph")),
    Check("augmentation on GPU and processor", "0 pixels differ", 20, own("augmentation")),
    Check("augmentation, ours over per-image", "more than 1 time as fast", 45, augment_benchmark),
    Check("training step, ours over usual", "more than 1 time as fast", 55, training_benchmark),
    Check(f"P13: {', '.join(COLUMNS)}", f"{written(history(REFERENCE))}, each within {TOLERANCE}", 55, training),
)
OWN = {"graph": graph, "augmentation": augmentation}


def report(facts: list[str], rows: list[tuple], outputs: list[tuple[str, str]]) -> str:
    table = tabulate(rows, ("check", "expected", "seen", "", "seconds"), tablefmt="github", floatfmt=".1f")
    rehearsal = "" if torch.cuda.is_available() else "**A rehearsal: no CUDA device. Nothing here is about a GPU.**\n\n"
    blocks = [f"### {name}\n\n```text\n{output.strip()}\n```\n" for name, output in outputs]
    lines = "\n".join(f"- {fact}" for fact in facts)
    return f"# GPU check\n\n{rehearsal}{lines}\n\n{table}\n\n" + "\n".join(blocks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", choices=OWN, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.check:
        seen, passed = OWN[arguments.check](arguments.data)
        print(seen)
        sys.exit(not passed)
    try:
        check_gpu()
    except UserError as error:
        sys.exit(f"error: {error}")
    facts = environment()
    print("\n".join(facts), flush=True)
    patience = 1 if torch.cuda.is_available() else 10
    rows, outputs, failed = [], [], False
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        download = ("--output", folder / "data.npz", "--checksums", folder / "checksums.json")
        status, output = run(120, "-m", "fashion.data.download", *download)
        if status:
            sys.exit(output)
        for name, expected, seconds, check in CHECKS:
            started = time.perf_counter()
            seen, passed, output = check(seconds * patience, folder)
            verdict = {True: "as expected", False: "NOT AS EXPECTED", None: "needs a GPU"}[passed]
            rows.append((name, expected, seen, verdict, time.perf_counter() - started))
            outputs.append((name, output))
            failed = failed or passed is False
            print(f"{name}: expected {expected}; seen {seen}: {verdict}", flush=True)
    OUTPUT.parent.mkdir(exist_ok=True)
    with atomic(OUTPUT) as temporary:
        temporary.write_text(report(facts, rows, outputs), encoding="utf-8")
    print(f"written to {OUTPUT}; please attach it to an issue")
    sys.exit(failed)


if __name__ == "__main__":
    main()
