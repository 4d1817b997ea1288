"""Flips, shifts and erased squares of a whole epoch in one call, every image with its own draws."""

import torch
from torch import Tensor
from torch.nn import functional

from fashion.data.operations import check_images


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image, left to right, with probability 1/2; `[N, 1, 28, 28] uint8`, as all here."""
    check_images("images", images)
    mirrored = torch.rand(len(images), generator=generator, device=images.device) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)


def shift(images: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Move each image by -`pixels` to `pixels` pixels in both directions; black comes in."""
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
    """Black out a square in each image, of `side` pixels where it does not reach over the border.

    Its centre is any pixel (Cutout, DeVries and Taylor, 2017).
    """
    check_images("images", images)
    count, _, height, width = images.shape
    device = images.device

    def inside(length: int) -> Tensor:
        """[N, length] bool: the rows or columns of each image's square."""
        first = torch.randint(length, (count, 1), generator=generator, device=device) - side // 2
        position = torch.arange(length, device=device)
        return (position >= first) & (position < first + side)

    return images.masked_fill(inside(height)[:, None, :, None] & inside(width)[:, None, None, :], 0)
