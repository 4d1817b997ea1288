"""Measures images augmented in a second by RandAugment(2, 9) and MixUp: the usual pipelines and `fashion.data.augment`.

Run `python benchmarks/augment.py`. Each row is timed on the same images in the same run; ratios are to the first row.
"""

import argparse
import gzip
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from tabulate import tabulate
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, default_collate
from torchvision import transforms
from torchvision.transforms import v2

from fashion.data.augment import augment_epoch

REAL = Path("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")
CORES = len(os.sched_getaffinity(0))
REPETITIONS = 5
BATCH = 64
CLASSES = 10
ALPHA = 0.4
AUGMENTATION = {"randaugment": {"num_ops": 2, "magnitude": 9}, "mixup": {"alpha": ALPHA}}


class PerImage(Dataset):
    """A dataset as it is usually written: one PIL image at a time."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images.squeeze(1).numpy(), labels
        self.transform = transforms.Compose(
            [transforms.RandAugment(2, 9), transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = self.transform(Image.fromarray(self.images[index]))
        return image, functional.one_hot(self.labels[index], CLASSES).float()


class PerSampleMixUp(PerImage):
    """Mixes each sample with a partner of its own from the whole set, as the report's code does."""

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        own, partner = super().__getitem__(index), super().__getitem__(int(torch.randint(len(self), ())))
        weight = np.random.beta(ALPHA, ALPHA)
        return tuple(weight * a + (1 - weight) * b for a, b in zip(own, partner, strict=True))


def mix_batch(samples: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Collates, and mixes each sample with another one of its batch: no partner is loaded and augmented."""
    images, targets = default_collate(samples)
    partner = torch.randperm(len(images))
    weight = torch.from_numpy(np.random.beta(ALPHA, ALPHA, len(images))).float()[:, None]
    mixed = torch.lerp(images[partner], images, weight[:, :, None, None])
    return mixed, torch.lerp(targets[partner], targets, weight)


def loaded(dataset: Dataset, collate: Callable = default_collate) -> Callable[[], None]:
    # Workers persist, so that their start is not counted.
    loader = DataLoader(dataset, BATCH, shuffle=True, collate_fn=collate, num_workers=CORES, persistent_workers=True)

    def epoch() -> None:
        for _ in loader:
            pass

    return epoch


def per_sample(images: Tensor, labels: Tensor) -> Callable[[], None]:
    return loaded(PerSampleMixUp(images, labels))


def per_image(images: Tensor, labels: Tensor) -> Callable[[], None]:
    return loaded(PerImage(images, labels), mix_batch)


def torchvision_batches(images: Tensor, labels: Tensor) -> Callable[[], None]:
    augment = v2.Compose([v2.RandAugment(2, 9), v2.ToDtype(torch.float32, scale=True), v2.Normalize((0.5,), (0.5,))])
    mix = v2.MixUp(alpha=ALPHA, num_classes=CLASSES)

    def epoch() -> None:
        for batch, batch_labels in zip(images.split(BATCH), labels.split(BATCH), strict=True):
            mix(augment(batch), batch_labels)

    return epoch


def ours(images: Tensor, labels: Tensor) -> Callable[[], None]:
    generator = torch.Generator(images.device).manual_seed(0)

    def epoch() -> None:
        augment_epoch(images, labels, AUGMENTATION, CLASSES, generator)

    return epoch


def images_per_second(epoch: Callable[[], None], count: int, device: str) -> list[float]:
    """Returns the rates of `REPETITIONS` epochs in ascending order, after one that is not counted."""
    rates = []
    for _ in range(REPETITIONS + 1):
        started = time.perf_counter()
        epoch()
        if device == "cuda":
            torch.cuda.synchronize()
        rates.append(count / (time.perf_counter() - started))
    return sorted(rates[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000, help="images in an epoch (default: %(default)s)")
    count = parser.parse_args().images

    if REAL.exists():
        with gzip.open(REAL) as file:
            pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
        images = torch.from_numpy(np.resize(pixels, (count, 1, 28, 28)))
    else:
        images = torch.randint(256, (count, 1, 28, 28), dtype=torch.uint8)
    labels = torch.arange(count) % CLASSES

    methods = [
        ("cpu", f"PIL, {CORES} workers, own partner a sample", per_sample),
        ("cpu", f"PIL, {CORES} workers, partner from the batch", per_image),
    ]
    for device in ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]:
        methods += [
            (device, f"torchvision v2, batches of {BATCH}, one draw a batch", torchvision_batches),
            (device, "fashion.data.augment, own draws a sample", ours),
        ]
    rows = []
    for device, name, method in methods:
        rates = images_per_second(method(images.to(device), labels.to(device)), count, device)
        median = statistics.median(rates)
        baseline = rows[0][2] if rows else median
        rows.append((name, device, median, rates[0], rates[-1], median / baseline))

    devices = f"{CORES} CPU cores" + (f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "")
    kind = "Fashion-MNIST" if REAL.exists() else "random"
    print(f"{count} {kind} images, {REPETITIONS} repetitions, {devices}")
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}\n")
    headers = ("RandAugment(2, 9) + MixUp", "device", "images/s (median)", "slowest", "fastest", "ratio")
    print(tabulate(rows, headers, tablefmt="github", floatfmt=("", "", ",.0f", ",.0f", ",.0f", ",.1f")))


if __name__ == "__main__":
    main()
