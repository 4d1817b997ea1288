"""The images of a run: its split of the dataset, and the inputs of each epoch, which are made on the device."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fashion.data.augment import augment_epoch
from fashion.data.dataset import Dataset
from fashion.errors import UserError
from fashion.image import NUM_CLASSES, normalise
from fashion.study.spec import split_sizes
from fashion.training.seeds import generator


@dataclass(frozen=True, kw_only=True)
class Split:
    """Images `[N, 1, 28, 28] uint8` and labels `[N] int64` of the three parts, on the training device."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def split(dataset: Dataset, training: dict, seed: int, device: torch.device) -> Split:
    """Returns `train_images` drawn by seed, a share of them set apart for validation, and the first `test_images`.

    Raises:
        UserError: the dataset has fewer images than the spec needs.
    """
    for key, available in (("train_images", len(dataset.train_labels)), ("test_images", len(dataset.test_labels))):
        if training[key] > available:
            raise UserError(f"training.{key}: {training[key]}, but the dataset has {available}")
    drawn = torch.randperm(len(dataset.train_labels), generator=generator(seed, "split"))
    train_index, validation_index = drawn[: training["train_images"]].split(split_sizes(training))

    def part(images: np.ndarray, labels: np.ndarray, index: Tensor) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(images)[index, None].to(device), torch.from_numpy(labels)[index].to(device)

    return Split(
        train=part(dataset.train_images, dataset.train_labels, train_index),
        validation=part(dataset.train_images, dataset.train_labels, validation_index),
        test=part(dataset.test_images, dataset.test_labels, torch.arange(training["test_images"])),
    )


def training_inputs(parts: Split, spec: dict, epoch: int) -> tuple[Tensor, Tensor]:
    """Returns an epoch's shuffled, augmented images `[N, 1, 28, 28]` in [-1, 1] and probabilities `[N, 10]`."""
    images, labels = parts.train
    draws = generator(spec["seed"], "order", epoch, labels.device)
    order = torch.randperm(len(labels), generator=draws, device=labels.device)
    return _augmented(images[order], labels[order], parts, spec, "augmentation", epoch)


def validation_inputs(parts: Split, spec: dict, epoch: int) -> tuple[Tensor, Tensor]:
    """Returns validation images in [-1, 1] and labels `[N]`; probabilities `[N, 10]` if they are augmented."""
    images, labels = parts.validation
    if spec["training"]["validation"] == "clean":
        return normalise(images), labels
    return _augmented(images, labels, parts, spec, "validation", epoch)


def _augmented(
    images: Tensor, labels: Tensor, parts: Split, spec: dict, purpose: str, epoch: int
) -> tuple[Tensor, Tensor]:
    # Where validation is augmented, partners come from all labelled images, not only from the given ones.
    published = spec["training"]["validation"] == "augmented"
    (train, its_labels), (validation, others) = parts.train, parts.validation
    partners = (torch.cat([train, validation]), torch.cat([its_labels, others])) if published else None
    draws = generator(spec["seed"], purpose, epoch, images.device)
    return augment_epoch(images, labels, spec["augmentation"], NUM_CLASSES, draws, partners=partners)
