"""Time of a training step, data work included: the usual loop, ours, and the limit that the machine sets.

Run `python benchmarks/training.py`. For each model of config.yaml, on the same machine in the same run:

- usual: DataLoader with per-image transforms (torchvision v2) and MixUp with a partner for each sample, as the report's
  code has them, Adam as it comes, `.item()` at each step;
- ours: an epoch augmented in one call, then the steps of `fashion.training.step`;
- limit: the step's multiply-adds at the rate of a large matrix product or convolution, whichever is faster here, or the
  bytes that Adam moves at the rate of a large copy, whichever takes longer.
"""

import argparse
import statistics
import time
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
from fashion.models.build import build, count_flops, count_parameters
from fashion.tables.writing import write_table
from fashion.training.device import check_gpu
from fashion.training.inference import place, use_device
from fashion.training.optimizer import make_optimizer
from fashion.training.step import make_step

ROOT = Path(__file__).parents[1]
# Adam reads weight, gradient and two moments and writes all but the gradient, 4 bytes each.
ADAM_BYTES = 7 * 4
# An epoch has as many steps as take about so long, within these bounds: no more than the report's, of 42,000 images.
EPOCH_SECONDS, LEAST_STEPS, MOST_STEPS = 2, 4, 657
FORMATS = {"channels_last": torch.channels_last, "nchw": torch.contiguous_format}


class PerSampleV2(PerSampleMixUp):
    """With the transforms that torchvision recommends today."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        super().__init__(images, labels)
        scale = [v2.ToDtype(torch.float32, scale=True), v2.Normalize((0.5,), (0.5,))]
        self.transform = v2.Compose([v2.ToImage(), v2.RandAugment(2, 9), *scale])


def usual(entry: dict, images: Tensor, labels: Tensor, device: torch.device) -> Callable[[], None]:
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
    memory_format: torch.memory_format = torch.preserve_format,
) -> Callable[[], None]:
    model = place(build(entry), device).to(memory_format=memory_format)
    step = make_step(model, make_optimizer(model, 0.001))
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


@torch.no_grad()
def rate(work: Callable[[], object], amount: float, device: torch.device) -> float:
    """How much of `amount` is done in a second: the best of several, since it is a limit."""
    # Less than a millisecond on a GPU: many times, so that neither its launch nor the wait for its end counts.
    times = 1 if device.type == "cpu" else 50

    def together() -> None:
        for _ in range(times):
            work()

    return max(times * amount / seconds for seconds in timed(together, 6, device))


def timed(work: Callable[[], object], repetitions: int, device: torch.device) -> Iterator[float]:
    """Seconds of each repetition, after one that is not counted."""
    for repetition in range(repetitions + 1):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        if repetition:
            yield time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", help="names in config.yaml; all if not given")
    parser.add_argument("--repetitions", type=int, default=3, help="epochs, after one more (default: %(default)s)")
    parser.add_argument("--memory-format", choices=FORMATS, help="of ours; by default what a training takes")
    parser.add_argument(
        "--cudnn-benchmark", action="store_true", help="have cuDNN time its algorithms and take the best"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks/training.csv")
    arguments = parser.parse_args()
    memory_format = FORMATS.get(arguments.memory_format, torch.preserve_format)
    check_gpu()
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
        f"{bytes_per_second / 1e9:,.1f} GB/s copied; medians of {arguments.repetitions} epochs of batches of {BATCH}"
    )
    rows = []
    for name in arguments.models or models:
        images = torch.randint(256, (BATCH * LEAST_STEPS, 1, 28, 28), dtype=torch.uint8)
        labels = torch.arange(len(images)) % CLASSES
        (seconds,) = timed(ours(models[name], images, labels, device, memory_format), 1, device)
        steps = min(MOST_STEPS, max(LEAST_STEPS, int(EPOCH_SECONDS * LEAST_STEPS / seconds)))
        images, labels = (
            tensor.repeat(steps // LEAST_STEPS + 1, *[1] * (tensor.dim() - 1)) for tensor in (images, labels)
        )
        images, labels = images[: BATCH * steps], labels[: BATCH * steps]
        milliseconds = {}
        for method, options in ((usual, ()), (ours, (memory_format,))):
            epoch = method(models[name], images, labels, device, *options)
            seconds = statistics.median(timed(epoch, arguments.repetitions, device))
            milliseconds[method.__name__] = 1000 * seconds / steps
            del epoch  # its model and its workers
        with torch.device("meta"):
            parameters = count_parameters(build(models[name]))
        # A backward pass costs two forward passes.
        product = 3 * count_flops(models[name]) * BATCH / flops_per_second
        update = ADAM_BYTES * parameters / bytes_per_second
        limit = 1000 * max(product, update)
        rows.append(
            {
                "model": name,
                "steps": steps,
                "usual ms/step": round(milliseconds["usual"], 3),
                "ours ms/step": round(milliseconds["ours"], 3),
                "ours images/s": round(1000 * BATCH / milliseconds["ours"]),
                "ratio": round(milliseconds["usual"] / milliseconds["ours"], 2),
                "limit ms/step": round(limit, 3),
                "set by": "products" if product > update else "Adam's bytes",
                "share of limit": round(limit / milliseconds["ours"], 2),
            }
        )
        print(rows[-1], flush=True)
    write_table(pd.DataFrame(rows), arguments.output)
    print(f"\n{arguments.output.with_suffix('.md').read_text()}")


if __name__ == "__main__":
    main()
