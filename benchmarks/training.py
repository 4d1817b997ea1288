"""Measures images trained on in a second, data work included: the usual loop, ours, and the machine's limit.

Run `python benchmarks/training.py`. It measures each model of config.yaml in turn:

- usual: a DataLoader with per-image transforms (torchvision v2), and MixUp with a partner for each sample, as in the
  report's code; Adam with its defaults; `.item()` at each step; all cores;
- ours: an epoch augmented in one call, then the steps of `fashion.training.step`. Without a GPU, as in a study: a
  training of one thread for each core, in the environment that the pipeline gives its jobs;
- limit, on all cores: the step's multiply-adds at the rate of a large matrix product or convolution, whichever is
  faster, or the bytes that Adam moves at the rate of a large copy, whichever takes longer.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import torch
import yaml
from augment import AUGMENTATION, BATCH, CLASSES, CORES, PerSampleMixUp
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from fashion.data.augment import augment_epoch
from fashion.machine.device import check_gpu
from fashion.models.build import build, count_parameters
from fashion.study.resources import JOB_ENVIRONMENT, multiply_adds
from fashion.tables.writing import write_table
from fashion.training.inference import place, use_device
from fashion.training.optimizer import make_optimizer
from fashion.training.step import make_step

ROOT = Path(__file__).parents[1]
# Adam reads weight, gradient and two moments and writes all but the gradient, 4 bytes each.
ADAM_BYTES = 7 * 4
# An epoch's steps take about so long, within these bounds; the report's epochs, of 42,000 images, have the most steps.
EPOCH_SECONDS, LEAST_STEPS, MOST_STEPS = 2, 4, 657
FORMATS = {"channels_last": torch.channels_last, "nchw": torch.contiguous_format}


class PerSampleV2(PerSampleMixUp):
    """Has the transforms that torchvision recommends today."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        super().__init__(images, labels)
        scale = [v2.ToDtype(torch.float32, scale=True), v2.Normalize((0.5,), (0.5,))]
        self.transform = v2.Compose([v2.ToImage(), v2.RandAugment(2, 9), *scale])


def usual(entry: dict, images: Tensor, labels: Tensor, device: torch.device, **_: str) -> Callable[[], None]:
    model = build(entry).to(device)
    optimizer = torch.optim.Adam(model.parameters())
    dataset = PerSampleV2(images, labels)
    loader = DataLoader(dataset, BATCH, shuffle=True, num_workers=CORES, persistent_workers=True)
    next(iter(loader))  # the workers' start is not counted

    def epoch() -> None:
        total = 0.0
        for batch, targets in loader:
            batch, targets = batch.to(device), targets.to(device)
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(batch), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()

    return epoch


def ours(
    entry: dict,
    images: Tensor,
    labels: Tensor,
    device: torch.device,
    *,
    memory_format: str | None = None,
    precision: str = "float32",
) -> Callable[[], None]:
    model = place(build(entry), device).to(memory_format=FORMATS.get(memory_format, torch.preserve_format))
    step = make_step(model, make_optimizer(model, 0.001), precision=precision)
    images, labels = images.to(device), labels.to(device)
    generator = torch.Generator(device).manual_seed(0)
    losses = torch.zeros(len(images) // BATCH, device=device)

    def epoch() -> None:
        inputs, targets = augment_epoch(images, labels, AUGMENTATION, CLASSES, generator)
        batches = zip(inputs.split(BATCH), targets.split(BATCH), strict=True)
        for index, batch in enumerate(batches):
            losses[index] = step(*batch)[0]
        losses.mean().item()

    return epoch


def images_per_second(
    method: Callable, entry: dict, seconds: float, device: torch.device, **options: str | None
) -> float:
    """Returns the rate of one training, over epochs that last so long together, after one that is not counted."""

    def epoch_of(steps: int) -> Callable[[], None]:
        images = torch.randint(256, (BATCH * steps, 1, 28, 28), dtype=torch.uint8)
        return method(entry, images, torch.arange(len(images)) % CLASSES, device, **options)

    trial = next(timed(epoch_of(LEAST_STEPS), device))
    steps = min(MOST_STEPS, max(LEAST_STEPS, int(EPOCH_SECONDS * LEAST_STEPS / trial)))
    epochs, spent = timed(epoch_of(steps), device), [0.0]
    while sum(spent) < seconds:
        spent.append(next(epochs))
    return BATCH * steps * (len(spent) - 1) / sum(spent)


def side_by_side(entry: dict, seconds: float, **options: str | None) -> float:
    """Returns images per second of our trainings, one for each core, summed."""
    command = [sys.executable, __file__, "--train", json.dumps([entry, seconds, options])]
    environment = {**os.environ, **JOB_ENVIRONMENT}
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(CORES)]
    return sum(float(process.communicate()[0]) for process in running)


@torch.no_grad()
def rate(work: Callable[[], object], amount: float, device: torch.device) -> float:
    """Returns how much of `amount` is done in a second: the best of several repetitions, since it is a limit."""
    # On a GPU the work takes less than a millisecond: repeated, its launch and the wait for its end hardly count.
    times = 1 if device.type == "cpu" else 50

    def together() -> None:
        for _ in range(times):
            work()

    return max(times * amount / seconds for seconds in itertools.islice(timed(together, device), 6))


def timed(work: Callable[[], object], device: torch.device) -> Iterator[float]:
    """Yields the seconds of each repetition, without end, after one that is not counted."""
    for repetition in itertools.count():
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        if repetition:
            yield time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", help="names in config.yaml (default: all)")
    parser.add_argument("--seconds", type=float, default=6, help="length of each measurement (default: %(default)s)")
    parser.add_argument("--repetitions", type=int, default=3, help="takes the median of so many (default: %(default)s)")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32", help="precision of our loop")
    parser.add_argument("--memory-format", choices=FORMATS, help="memory format of our loop (default: a training's)")
    parser.add_argument(
        "--cudnn-benchmark", action="store_true", help="cuDNN times its algorithms and takes the fastest"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks/training.csv")
    parser.add_argument("--train", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        entry, seconds, options = arguments.train
        print(images_per_second(ours, entry, seconds, use_device(1), **options))
        return
    check_gpu(arguments.precision)
    device = use_device(CORES)
    torch.backends.cudnn.benchmark = arguments.cudnn_benchmark
    models = yaml.safe_load((ROOT / "config.yaml").read_text())["models"]

    size, channels = 4096, 256
    square, wide = torch.rand(size, size, device=device), torch.rand(2**26, device=device)
    target = torch.empty_like(wide)
    maps = torch.rand(BATCH, channels, 14, 14, device=device).to(memory_format=torch.channels_last)
    convolution = nn.Conv2d(channels, channels, 3, padding=1, bias=False).to(
        maps.device, memory_format=torch.channels_last
    )
    flops_per_second = max(
        rate(lambda: square @ square, 2 * size**3, device),
        rate(lambda: convolution(maps), 2 * maps.numel() * channels * 9, device),
    )
    bytes_per_second = rate(lambda: target.copy_(wide), 2 * wide.nbytes, device)
    machine = torch.cuda.get_device_name() if device.type == "cuda" else f"{CORES} CPU cores"
    print(
        f"{machine}, torch {torch.__version__}: {flops_per_second / 1e9:,.0f} GFLOP/s, "
        f"{bytes_per_second / 1e9:,.1f} GB/s copied; medians of {arguments.repetitions}, batches of {BATCH}"
    )
    options = {"memory_format": arguments.memory_format, "precision": arguments.precision}
    rows = []
    for name in arguments.models or models:
        measured = defaultdict(list)
        for _ in range(arguments.repetitions):
            measured["usual"].append(images_per_second(usual, models[name], arguments.seconds, device))
            measured["ours"].append(
                images_per_second(ours, models[name], arguments.seconds, device, **options)
                if device.type == "cuda"
                else side_by_side(models[name], arguments.seconds, **options)
            )
        images = {method: statistics.median(rates) for method, rates in measured.items()}
        with torch.device("meta"):
            parameters = count_parameters(build(models[name]))
        # A backward pass costs two forward passes.
        product = 3 * 2 * multiply_adds(models[name]) * BATCH / flops_per_second
        update = ADAM_BYTES * parameters / bytes_per_second
        limit = BATCH / max(product, update)
        rows.append(
            {
                "model": name,
                "usual images/s": round(images["usual"]),
                "ours images/s": round(images["ours"]),
                "ratio": round(images["ours"] / images["usual"], 2),
                "limit images/s": round(limit),
                "set by": "products" if product > update else "Adam's bytes",
                "share of limit": round(images["ours"] / limit, 2),
            }
        )
        print(rows[-1], flush=True)
    write_table(pd.DataFrame(rows), arguments.output)
    print(f"\n{arguments.output.with_suffix('.md').read_text()}")


if __name__ == "__main__":
    main()
