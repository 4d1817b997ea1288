"""Real images: the report's Fig. 1 and 2 (MixUp); beyond it each operation of RandAugment, and MixUp by its alpha."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from fashion.augment import OPS, apply_ops, mixup
from fashion.dataset import CLASSES, Dataset, load
from fashion.errors import exit_on_user_error
from fashion.figures import LINE_HEIGHT, WIDTH, figure_parser, save

SIDE = 28
WHITE = 255
# As much of a class's name as finds room under an image.
SHORT_NAMES = tuple(name.split("/")[0].split()[-1] for name in CLASSES)


def grid(
    images: np.ndarray, rows: Sequence[str] = (), columns: Sequence[str] = (), captions: Sequence[str] = ()
) -> Figure:
    """Images in rows and columns.

    Args:
        images: `[rows, columns, 28, 28] uint8`.
        rows, columns: names at the left and on top, if any.
        captions: what stands under each image, row by row, if anything does.
    """
    gap = 2
    width = images.shape[1] * (SIDE + gap) - gap
    labels = 0.1 + 0.06 * max(map(len, rows), default=0)
    inches = (WIDTH - labels) / width  # of a pixel
    lines = max((caption.count("\n") + 1 for caption in captions), default=0)
    pitch = SIDE + gap + round(lines * LINE_HEIGHT / inches)
    mosaic = np.full((images.shape[0] * pitch - gap, width), WHITE, np.uint8)
    corners = [(row * pitch, column * (SIDE + gap)) for row, column in np.ndindex(images.shape[:2])]
    for (top, left), image in zip(corners, images.reshape(-1, SIDE, SIDE), strict=True):
        mosaic[top : top + SIDE, left : left + SIDE] = image
    figure = Figure(figsize=(WIDTH, inches * len(mosaic) + 3 * LINE_HEIGHT * bool(columns) + 0.1))
    axes = figure.subplots()
    axes.imshow(mosaic, vmin=0, vmax=WHITE)
    axes.set_yticks([pitch * row + SIDE / 2 for row in range(len(rows))], rows)
    axes.set_xticks([(SIDE + gap) * column + SIDE / 2 for column in range(len(columns))], columns)
    axes.tick_params(length=0, top=True, labeltop=True, labelbottom=False)
    axes.xaxis.set_label_position("top")
    axes.set_frame_on(False)
    axes.grid(visible=False)
    for (top, left), caption in zip(corners, captions, strict=bool(captions)):
        # As many lines each: a single line would hang higher than the first of two.
        text = caption + "\n" * (lines - 1 - caption.count("\n"))
        axes.text(left + SIDE / 2, top + SIDE + 1, text, ha="center", va="top", size="small", in_layout=False)
    return figure


def samples(dataset: Dataset, *, columns: int = 20) -> Figure:
    """Fig. 1: a row of training images for each class, the first ones."""
    images = np.full((len(CLASSES), columns, SIDE, SIDE), WHITE, np.uint8)
    for label, row in enumerate(images):
        found = dataset.train_images[dataset.train_labels == label][:columns]
        row[: len(found)] = found
    return grid(images, rows=CLASSES)


def mixed(dataset: Dataset, count: int, alpha: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` training images, each mixed with one drawn from all: `[count, 28, 28] uint8`; their targets."""
    images, labels = torch.from_numpy(dataset.train_images)[:, None], torch.from_numpy(dataset.train_labels)
    generator = torch.Generator().manual_seed(seed)
    first = torch.arange(count) % len(labels)
    mixtures, targets = mixup(images[first], labels[first], alpha, len(CLASSES), generator, partners=(images, labels))
    return ((mixtures[:, 0] + 1) * (WHITE / 2)).round().byte().numpy(), targets.numpy()


def mixup_samples(dataset: Dataset, *, alpha: float = 2.0, seed: int = 0) -> Figure:
    """Fig. 2: 3 x 10 mixed images, each over its classes and their shares."""
    images, targets = mixed(dataset, 30, alpha, seed)
    return grid(images.reshape(3, 10, SIDE, SIDE), captions=[shares(target) for target in targets])


def shares(target: np.ndarray) -> str:
    """The classes that a target `[10]` holds, the larger share first, a line each."""
    held = [label for label in np.argsort(-target, kind="stable") if target[label] > 0]
    return "\n".join(f"{SHORT_NAMES[label]} {share(target[label])}" for label in held)


def share(weight: float) -> str:
    return f"{weight:.2f}".removeprefix("0")


def mixup_alpha(
    dataset: Dataset, *, alphas: Sequence[float] = (0.2, 0.5, 1.0, 2.0, 8.0), columns: int = 10, seed: int = 0
) -> Figure:
    """The same images with the same partners at each alpha, each over its own share; on top of them, unmixed."""
    first = np.arange(columns) % len(dataset.train_labels)
    labels = dataset.train_labels[first]
    images, captions = [dataset.train_images[first]], [SHORT_NAMES[label] for label in labels]
    for alpha in alphas:
        mixtures, targets = mixed(dataset, columns, alpha, seed)
        images.append(mixtures)
        captions += [share(target[label]) for target, label in zip(targets, labels, strict=True)]
    return grid(np.stack(images), rows=["unmixed", *(f"α = {alpha:g}" for alpha in alphas)], captions=captions)


def randaugment(dataset: Dataset, *, magnitudes: Sequence[int] = (0, 5, 9, 15, 22, 30)) -> Figure:
    """Each operation at each magnitude, to both sides where it has two, of one image."""
    candidates = dataset.train_images[:100]
    # Many grey values: a pattern, on which all operations show.
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
    figure.axes[0].set_xlabel("magnitude")
    return figure


FIGURES = {"samples": samples, "mixup": mixup_samples, "randaugment": randaugment, "mixup_alpha": mixup_alpha}


def main() -> None:
    parser = figure_parser("fashion.figures.samples", __doc__)
    parser.add_argument("--data", type=Path, required=True, help="the dataset, as fashion.download writes it")
    parser.add_argument("--figure", choices=FIGURES, required=True)
    parser.add_argument("--settings", type=json.loads, default={}, help='of the figure: {"alpha": 2.0, "seed": 0}')
    arguments = parser.parse_args()
    figure = FIGURES[arguments.figure](load(arguments.data), **arguments.settings)
    save(figure, arguments.output, arguments.note)


if __name__ == "__main__":
    exit_on_user_error(main)
