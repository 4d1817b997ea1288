"""RandAugment and MixUp of a whole epoch in one call, on the images' device; each image has draws of its own.

After Cubuk et al., "RandAugment" (2020), and Zhang et al., "mixup: Beyond empirical risk minimization" (2018).
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from fashion.data.distort import erase, flip, shift
from fashion.data.operations import OPS, apply_variants, check_images, check_indices, chunk_size
from fashion.image import normalise


def rand_augment(images: Tensor, num_ops: int, magnitude: int, generator: torch.Generator) -> Tensor:
    """Returns images after `num_ops` random ops each (RandAugment): [N, 1, 28, 28] uint8.

    `images` is [N, 1, 28, 28] uint8 and `magnitude` torchvision's bin, 0 to 30. Each image draws its ops uniformly
    from `OPS`, with replacement; both signs are equally likely. Raises ValueError for arguments out of range.
    """
    if num_ops < 1:
        raise ValueError(f"num_ops: expected at least 1, got {num_ops}")
    variants = torch.randint(2 * len(OPS), (num_ops, len(images)), generator=generator, device=images.device)
    return apply_variants(images, variants, magnitude)


def mixup(
    images: Tensor,
    labels: Tensor,
    alpha: float,
    num_classes: int,
    generator: torch.Generator,
    partners: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Returns each image and its target mixed with a partner's (MixUp): l * own + (1 - l) * partner.

    `images` is [N, 1, 28, 28] uint8, `labels` [N] int64. Each image draws its own l from Beta(alpha, alpha), and its
    partner uniformly from `partners` (images and labels of the same form), by default from the given images. The mixed
    images are [N, 1, 28, 28] float32 in [-1, 1], the targets [N, num_classes] float32. Raises ValueError for
    alpha <= 0, a wrong dtype or shape and, on a CPU, labels outside the classes.
    """
    if not 0 < alpha < math.inf:
        raise ValueError(f"alpha: expected a positive number, got {alpha}")
    partner_images, partner_labels = (images, labels) if partners is None else partners
    for name, some_images, some_labels in ("", images, labels), ("partner ", partner_images, partner_labels):
        check_images(f"{name}images", some_images)
        check_indices(f"{name}labels", some_labels, len(some_images), num_classes)

    device, size = images.device, chunk_size(images.device)
    partner = torch.randint(len(partner_images), labels.shape, generator=generator, device=device)
    weight = _symmetric_beta(alpha, len(images), generator, device)

    mixed = torch.empty(images.shape, dtype=torch.float32, device=device)
    chunks = zip(*(tensor.split(size) for tensor in (mixed, images, partner, weight)), strict=True)
    for mixed_chunk, own, other, own_weight in chunks:
        mixed_chunk.copy_(partner_images.index_select(0, other))
        mixed_chunk.lerp_(own.float(), own_weight[:, None, None, None]).div_(127.5).sub_(1)
    own_target = functional.one_hot(labels, num_classes).float()
    partner_target = functional.one_hot(partner_labels[partner], num_classes).float()
    return mixed, torch.lerp(partner_target, own_target, weight[:, None])


def augment_epoch(
    images: Tensor,
    labels: Tensor,
    augmentation: dict,
    num_classes: int,
    generator: torch.Generator,
    partners: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Returns augmented images [N, 1, 28, 28] float32 in [-1, 1] and targets [N, num_classes] float32.

    RandAugment, flip, shift and erasing come first, then normalisation, then MixUp, each if `augmentation` names it:
    {"randaugment": {"num_ops": 2, "magnitude": 9}, "mixup": {"alpha": 2.0}}, {"flip": True, "shift": 2, "erase": 8}, or
    {}. `images` is [N, 1, 28, 28] uint8, `labels` [N] int64. MixUp draws from `partners` (images and labels of the same
    form, which are augmented too), by default from the given images. Without MixUp the targets are one-hot.
    Raises ValueError as `rand_augment` and `mixup` do.
    """
    images = _distorted(images, augmentation, generator)
    if "mixup" not in augmentation:
        check_images("images", images)
        check_indices("labels", labels, len(images), num_classes)
        return normalise(images), functional.one_hot(labels, num_classes).float()
    if partners is not None:
        partners = _distorted(partners[0], augmentation, generator), partners[1]
    return mixup(
        images, labels, **augmentation["mixup"], num_classes=num_classes, generator=generator, partners=partners
    )


def _distorted(images: Tensor, augmentation: dict, generator: torch.Generator) -> Tensor:
    if "randaugment" in augmentation:
        images = rand_augment(images, **augmentation["randaugment"], generator=generator)
    if augmentation.get("flip"):
        images = flip(images, generator)
    if "shift" in augmentation:
        images = shift(images, augmentation["shift"], generator)
    if "erase" in augmentation:
        images = erase(images, augmentation["erase"], generator)
    return images


def _symmetric_beta(alpha: float, count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Returns [count] float32 draws from Beta(alpha, alpha), as G / (G + H) of two Gamma(alpha) draws.

    Small alphas underflow to 0 / 0, hence logarithms: log Gamma(alpha) = log Gamma(alpha + 1) + log(U) / alpha.
    Torch's public samplers take no generator; this private one, which `torch.distributions` calls, does.
    """
    gamma = torch._standard_gamma(torch.full((2, count), alpha + 1.0, device=device), generator=generator)
    uniform = 1 - torch.rand(2, count, generator=generator, device=device)  # in (0, 1]: its logarithm is finite
    (g, h), (u, v) = gamma.log(), uniform.log()
    return torch.sigmoid(g - h + (u - v) / alpha)
