"""Flips, shifts and erased squares for a whole epoch in one call; each image has draws of its own.

Images are `[N, 1, 28, 28] uint8`.
"""

import torch
from torch import Tensor
from torch.nn import functional

from fashion.data.operations import check_images


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Returns each image mirrored, left to right, with probability 1/2."""
    check_images("images", images)
    mirrored = torch.rand(len(images), generator=generator, device=images.device) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)


def shift(images: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Returns each image moved by -`pixels` to `pixels` pixels in both directions; the rest is black."""
    check_images("images", images)
    count, _, height, width = images.shape
    device = images.device
    down, right = torch.randint(2 * pixels + 1, (2, count, 1), generator=generator, device=device)
    padded = functional.pad(images, (pixels,) * 4)
    rows = down + torch.arange(height, device=device)
    columns = right + torch.arange(width, device=device)
    index = torch.arange(count, device=device)
    return padded[index[:, None, None], 0, rows[:, :, None], columns[:, None, :]][:, None]


def erase(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Returns each image with a black square of `side` pixels, cut off at the border.

    Its centre is any pixel (Cutout, DeVries and Taylor, 2017).
    """
    check_images("images", images)
    count, _, height, width = images.shape
    device = images.device

    def inside(length: int) -> Tensor:
        """Returns which rows or columns are in each image's square: [N, length] bool."""
        first = torch.randint(length, (count, 1), generator=generator, device=device) - side // 2
        position = torch.arange(length, device=device)
        return (position >= first) & (position < first + side)

    return images.masked_fill(inside(height)[:, None, :, None] & inside(width)[:, None, None, :], 0)
