"""Draws real images: samples, images mixed by MixUp, MixUp at several alphas, and RandAugment's operations."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from fashion.data.augment import mixup
from fashion.data.dataset import Dataset, load
from fashion.data.operations import OPS, apply_ops
from fashion.figures.parts.mosaic import GAP, SIDE, WHITE, grid, short
from fashion.figures.parts.sheet import draw, figure_parser
from fashion.image import CLASSES
from fashion.stage import exit_on_user_error


def samples(dataset: Dataset, *, classes: Sequence[str] = CLASSES, columns: int = 20) -> Figure:
    """Returns a row for each class: its first training images."""
    images = np.full((len(CLASSES), columns, SIDE, SIDE), WHITE, np.uint8)
    for label, row in enumerate(images):
        found = dataset.train_images[dataset.train_labels == label][:columns]
        row[: len(found)] = found
    return grid(images, rows=classes)


def mixed(dataset: Dataset, count: int, alpha: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the first training images, each mixed with a random one, `[count, 28, 28] uint8`, and their targets."""
    images, labels = torch.from_numpy(dataset.train_images)[:, None], torch.from_numpy(dataset.train_labels)
    generator = torch.Generator().manual_seed(seed)
    first = torch.arange(count) % len(labels)
    mixtures, targets = mixup(images[first], labels[first], alpha, len(CLASSES), generator, partners=(images, labels))
    return ((mixtures[:, 0] + 1) * (WHITE / 2)).round().byte().numpy(), targets.numpy()


def mixup_samples(
    dataset: Dataset, *, classes: Sequence[str] = CLASSES, alphas: Sequence[float] = (0.4,), seed: int = 0
) -> Figure:
    """Returns 3 x 10 mixed images for each alpha, each above the shares of its classes."""
    images, captions, rows = [], [], []
    for alpha in alphas:
        mixtures, targets = mixed(dataset, 30, alpha, seed)
        images.append(mixtures.reshape(3, 10, SIDE, SIDE))
        captions += [shares(target, classes) for target in targets]
        rows += [f"α = {alpha:g}", "", ""]
    # A single alpha is the study's, which is named elsewhere.
    return grid(np.concatenate(images), rows=rows if len(alphas) > 1 else (), captions=captions)


def shares(target: np.ndarray, classes: Sequence[str] = CLASSES) -> str:
    """Returns the classes in a target `[10]`, a line each, the larger share first."""
    held = [label for label in np.argsort(-target, kind="stable") if target[label] > 0]
    return "\n".join(f"{short(classes[label])} {share(target[label])}" for label in held)


def share(weight: float) -> str:
    return f"{weight:.2f}".removeprefix("0")


def mixup_alpha(
    dataset: Dataset,
    *,
    classes: Sequence[str] = CLASSES,
    alphas: Sequence[float] = (0.2, 0.4, 1.0, 2.0, 8.0),
    columns: int = 10,
    seed: int = 0,
) -> Figure:
    """Returns a row of unmixed images, and a row mixed with equal partners for each alpha, each above its share."""
    first = np.arange(columns) % len(dataset.train_labels)
    labels = dataset.train_labels[first]
    images, captions = [dataset.train_images[first]], [short(classes[label]) for label in labels]
    for alpha in alphas:
        mixtures, targets = mixed(dataset, columns, alpha, seed)
        images.append(mixtures)
        captions += [share(target[label]) for target, label in zip(targets, labels, strict=True)]
    return grid(np.stack(images), rows=["unmixed", *(f"α = {alpha:g}" for alpha in alphas)], captions=captions)


def randaugment(dataset: Dataset, *, magnitudes: Sequence[int] = (0, 5, 9, 15, 22, 30)) -> Figure:
    """Returns each operation on one image at each magnitude, in both directions if it has two."""
    candidates = dataset.train_images[:100]
    # An image with many grey values has a pattern, on which all operations show.
    image = max(candidates, key=lambda pixels: len(np.unique(pixels)))
    ops = torch.arange(len(OPS))
    batch = torch.from_numpy(image).expand(len(OPS), 1, SIDE, SIDE).contiguous()

    def apply(magnitude: int, sign: int) -> np.ndarray:
        return apply_ops(batch, ops, torch.full_like(ops, sign), magnitude)[:, 0].numpy()

    forward = np.stack([apply(magnitude, 1) for magnitude in magnitudes], axis=1)
    backward = np.stack([apply(magnitude, -1) for magnitude in magnitudes], axis=1)
    one_sided = (forward == backward).all(axis=(1, 2, 3))
    backward[one_sided] = WHITE
    original = np.broadcast_to(image, (len(OPS), 1, SIDE, SIDE))
    sides = (original, backward[:, :0:-1], forward)
    names = ["image", *(f"−{magnitude}" for magnitude in magnitudes[:0:-1]), *map(str, magnitudes)]
    figure = grid(np.concatenate(sides, axis=1), rows=OPS, columns=names)
    axes = figure.axes[0]
    axes.set_xlabel("magnitude")
    empty = len(magnitudes) / 2  # the middle of the empty cells, in columns
    for y in axes.get_yticks()[one_sided]:
        axes.text((SIDE + GAP) * empty + SIDE / 2, y, "one-sided", ha="center", va="center", size="small")
    return figure


PLOTS = {"samples": samples, "mixup": mixup_samples, "mixup_alpha": mixup_alpha}


def main() -> None:
    parser = figure_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the dataset, as fashion.data.download writes it")
    arguments = parser.parse_args()
    dataset = load(arguments.data)

    def plot(kind: str, runs: list, classes: list[str], **settings) -> Figure:
        if kind == "randaugment":
            return randaugment(dataset)
        return PLOTS[kind](dataset, classes=classes, **settings)

    draw(arguments.plan, arguments.output, plot)


if __name__ == "__main__":
    exit_on_user_error(main)
