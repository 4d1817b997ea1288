"""The fourteen operations of RandAugment, for many images at once, each with its own op.

On 28 x 28 grey images an op is a table or a small stencil. A geometric op has for each output pixel the pixel to read,
a tonal op has a new value for each of the 256 values. So there is no loop over images. Each of the four stages `_move`,
`_tone`, `_equalize` and `_sharpen` handles all images that take part at once, whatever op and sign each one drew.

On a GPU all images take part in every stage, and images with other ops come out unchanged. Shapes and control flow do
not depend on the draws and nothing waits for the host, so a CUDA graph can capture it all, after a first call outside
the capture that builds the tables.

After Cubuk et al., "RandAugment" (2020), with the ranges and the arithmetic of torchvision's `RandAugment` on tensors.
"""

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

OPS = (
    "Identity", "AutoContrast", "Equalize", "Rotate", "Solarize", "Color", "Posterize", "Contrast", "Brightness",
    "Sharpness", "Shear-X", "Shear-Y", "Translate-X", "Translate-Y",
)  # fmt: skip
MAGNITUDE_BINS = 31

_SIDE = 28
_PIXELS = _SIDE * _SIDE
_FILL = _PIXELS  # the position after the last pixel, where a zero is appended

# Strength in the first and the last bin, as in torchvision's RandAugment. Other ops have no strength.
_RANGES = {
    "Rotate": (0.0, 30.0),
    "Solarize": (255.0, 0.0),
    **dict.fromkeys(("Color", "Contrast", "Brightness", "Sharpness"), (0.0, 0.9)),
    **dict.fromkeys(("Shear-X", "Shear-Y"), (0.0, 0.3)),
    **dict.fromkeys(("Translate-X", "Translate-Y"), (0.0, 150.0 / 331.0 * _SIDE)),
}


class _Tables(NamedTuple):
    """What the 28 variants do at one magnitude; a variant is an op with a sign, 2 * op + (sign < 0)."""

    takes_part: Tensor  # [4, 28] bool: whether a variant takes part in a stage
    source: Tensor  # [28, 784] int64: the pixel to read for each output pixel, or `_FILL`
    tones: Tensor  # [28, 256] float32: the new value for each value
    with_mean: Tensor  # [28, 2] float32: weights of tone and mean
    with_blur: Tensor  # [28, 2] float32: weights of image and blurred image
    interior: Tensor  # [784] int16: 1 where a pixel has eight neighbours


def strength(name: str, magnitude: int) -> float:
    """Returns the strength of the named op in a magnitude bin, 0 to 30, without its sign; 0.0 for ops without one.

    The unit is degrees (Rotate), slope (Shear), pixels, rounded down when used (Translate), bits kept (Posterize), the
    first value that is inverted (Solarize), or a factor's distance from 1 (Color, Contrast, Brightness, Sharpness).
    """
    if name == "Posterize":
        return float(8 - (torch.arange(MAGNITUDE_BINS) / ((MAGNITUDE_BINS - 1) / 4)).round()[magnitude])
    first, last = _RANGES.get(name, (0.0, 0.0))
    return float(torch.linspace(first, last, MAGNITUDE_BINS)[magnitude])


def _positions(x_from: tuple[float, float, float], y_from: tuple[float, float, float]) -> Tensor:
    """Returns the pixel nearest to (x_from, y_from) . (x, y, 1) for each output pixel (x, y): [784] int64.

    A pixel outside the image is `_FILL`. Coordinates are pixels from the image's centre. Ties between two pixels are
    common and rounding decides them, so each step is torchvision's, in float32. Its matrix product is written out as a
    sum, because `torch.set_float32_matmul_precision` and BLAS libraries change how a product is rounded.
    """
    centres = torch.arange(_SIDE) - (_SIDE - 1) / 2
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    rows = torch.tensor([x_from, y_from], dtype=torch.float32) / (_SIDE / 2)
    grid = torch.stack([x * a + y * b + c for a, b, c in rows], dim=-1)
    # Sampling gives 0 outside the image, so that positions are counted from the fill.
    positions = (torch.arange(_PIXELS, dtype=torch.float32) - _FILL).view(1, 1, _SIDE, _SIDE)
    sampled = functional.grid_sample(positions, grid[None], mode="nearest", padding_mode="zeros", align_corners=False)
    return sampled.long().flatten() + _FILL


def _variant(name: str, amount: float) -> tuple[Tensor, Tensor, tuple[float, float], tuple[float, float]]:
    """Returns one row each of `source`, `tones`, `with_mean` and `with_blur` (see `_Tables`), for a signed amount."""
    source, tones, with_mean, with_blur = torch.arange(_PIXELS), torch.arange(256), (1, 0), (1, 0)
    # By way of degrees and around the upper left corner, as torchvision shears.
    slope = math.tan(math.radians(math.degrees(math.atan(amount))))
    corner = _SIDE / 2 + slope * (_SIDE / 2) - _SIDE / 2
    match name:  # Color changes nothing: it blends an image with its grey version
        case "Rotate":
            cosine, sine = math.cos(math.radians(-amount)), math.sin(math.radians(-amount))
            source = _positions((cosine, sine, 0), (-sine, cosine, 0))
        case "Shear-X":
            source = _positions((1, slope, corner), (0, 1, 0))
        case "Shear-Y":
            source = _positions((1, 0, 0), (slope, 1, corner))
        case "Translate-X":
            source = _positions((1, 0, -int(amount)), (0, 1, 0))
        case "Translate-Y":
            source = _positions((1, 0, 0), (0, 1, -int(amount)))
        case "Posterize":
            tones = tones & -(2 ** (8 - int(abs(amount))))
        case "Solarize":
            tones = torch.where(tones >= abs(amount), 255 - tones, tones)
        case "Contrast":
            with_mean = 1 + amount, 1 - (1 + amount)
        case "Brightness":
            with_mean = 1 + amount, 0
        case "Sharpness":
            with_blur = 1 + amount, 1 - (1 + amount)
    return source, tones, with_mean, with_blur


@cache
def _tables(magnitude: int, device: torch.device) -> _Tables:
    with torch.device("cpu"):  # so that all devices get the rounding of the CPU
        variants = [(name, sign * strength(name, magnitude)) for name in OPS for sign in (1, -1)]
        source, tones, with_mean, with_blur = zip(*(_variant(*variant) for variant in variants), strict=True)
        tables = _Tables(
            takes_part=torch.tensor([[name in names for name, _ in variants] for names in _STAGES.values()]),
            source=torch.stack(source),
            tones=torch.stack(tones).float(),
            with_mean=torch.tensor(with_mean, dtype=torch.float32),
            with_blur=torch.tensor(with_blur, dtype=torch.float32),
            interior=functional.pad(torch.ones(_SIDE - 2, _SIDE - 2, dtype=torch.int16), (1, 1, 1, 1)).flatten(),
        )
    return _Tables(*(table.to(device) for table in tables))


def _move(pixels: Tensor, variant: Tensor, tables: _Tables) -> Tensor:
    """Returns the pixels, each read from its source."""
    return functional.pad(pixels, (0, 1)).gather(1, tables.source.index_select(0, variant))


def _tone(pixels: Tensor, variant: Tensor, tables: _Tables) -> Tensor:
    """Returns the pixels, each looked up in its image's own table: (tone - offset) * scale + shift, clamped.

    One affine map serves all these ops, because the steps that an op does not use (- 0, * 1, + 0) are exact.
    """
    scale, weight = tables.with_mean[variant].chunk(2, dim=1)
    # Divided by a tensor, because CUDA divides by a number with its reciprocal, which rounds differently from a CPU.
    total = pixels.sum(1, keepdim=True, dtype=torch.float32)
    shift = weight * (total / torch.full_like(total, _PIXELS))
    darkest, brightest = pixels.amin(1, keepdim=True).float(), pixels.amax(1, keepdim=True).float()
    stretches = (variant[:, None] // 2 == OPS.index("AutoContrast")) & (brightest > darkest)
    offset = darkest * stretches
    scale = torch.where(stretches, 255 / (brightest - darkest), scale)
    tones = tables.tones.index_select(0, variant).sub_(offset).mul_(scale).add_(shift).clamp_(0, 255)
    return tones.to(torch.uint8).gather(1, pixels.long())


def _equalize(pixels: Tensor, variant: Tensor, tables: _Tables) -> Tensor:
    """Returns the pixels, each looked up in its image's cumulative histogram, with torchvision's integer divisions."""
    values = pixels.long()
    histogram = torch.zeros(len(pixels), 256, dtype=torch.int32, device=pixels.device)
    histogram.scatter_add_(1, values, torch.ones_like(histogram[:, :1]).expand_as(values))
    darker = histogram.cumsum(1, dtype=torch.int32).sub_(histogram)
    brightest = pixels.amax(1, keepdim=True).long()
    step = (_PIXELS - histogram.gather(1, brightest)) // 255
    tones = ((darker + step // 2) // step.clamp(min=1)).clamp_(0, 255).to(torch.uint8)
    equalizes = (variant[:, None] // 2 == OPS.index("Equalize")) & (step > 0)
    return torch.where(equalizes, tones.gather(1, values), pixels)


def _sharpen(pixels: Tensor, variant: Tensor, tables: _Tables) -> Tensor:
    """Returns the images blended with their 3 x 3 means, in which the middle has weight 5 and the others have weight 1.

    The mean of a border pixel is the pixel. Shifts of the flat batch are several times faster than a convolution; where
    they reach beyond the row or the image, `interior` is 0. A sum / 13 is never near a half, so rounding is safe.
    """
    weight, blur_weight = tables.with_blur[variant].chunk(2, dim=1)
    pixels = pixels.short()
    sums = functional.pad(pixels.flatten(), (_SIDE + 1, _SIDE + 1))
    sums = sums[:-2] + sums[1:-1] + sums[2:]
    sums = sums[: -2 * _SIDE] + sums[_SIDE:-_SIDE] + sums[2 * _SIDE :]
    sums = sums.view_as(pixels).sub_(pixels, alpha=9).mul_(tables.interior).add_(pixels, alpha=13)
    blurred = sums.div(13).round_().mul_(blur_weight)
    return pixels.float().mul_(weight).add_(blurred).clamp_(0, 255).to(torch.uint8)


# Each stage maps [n, 784] uint8 to [n, 784] uint8, and leaves images with other ops unchanged.
_STAGES = {
    _move: ("Rotate", "Shear-X", "Shear-Y", "Translate-X", "Translate-Y"),
    _tone: ("AutoContrast", "Solarize", "Posterize", "Contrast", "Brightness"),
    _equalize: ("Equalize",),
    _sharpen: ("Sharpness",),
}


def _participants(takes_part: Tensor) -> Tensor:
    """Returns which images a stage gets: those that take part; on a GPU all, because counting them would stop it."""
    if takes_part.device.type == "cpu":
        return takes_part.nonzero().flatten()
    return torch.arange(len(takes_part), device=takes_part.device)


def chunk_size(device: torch.device) -> int:
    """Returns the images to work on at a time: on a CPU as many as its cache holds, on a GPU enough to fill it.

    An image takes about 30 kB.
    """
    return 1024 if device.type == "cpu" else 8192


def apply_variants(images: Tensor, variants: Tensor, magnitude: int) -> Tensor:
    """Returns images [N, 1, 28, 28] uint8 after the variants in their column of `variants` [num_ops, N] int64."""
    check_images("images", images)
    if magnitude not in range(MAGNITUDE_BINS):
        raise ValueError(f"magnitude: expected an integer from 0 to {MAGNITUDE_BINS - 1}, got {magnitude!r}")
    tables, size = _tables(magnitude, images.device), chunk_size(images.device)
    augmented = images.clone(memory_format=torch.contiguous_format)
    for pixels, chosen in zip(augmented.flatten(1).split(size), variants.split(size, dim=1), strict=True):
        for variant in chosen:
            for stage, takes_part in zip(_STAGES, tables.takes_part, strict=True):
                some = _participants(takes_part[variant])
                result = stage(pixels.index_select(0, some), variant[some], tables)
                # 98 words of 64 bits are copied ten times faster than 784 bytes.
                pixels.view(torch.int64).index_copy_(0, some, result.view(torch.int64))
    return augmented


def apply_ops(images: Tensor, op: Tensor, sign: Tensor, magnitude: int) -> Tensor:
    """Returns each image after its own op: [N, 1, 28, 28] uint8.

    `images` is [N, 1, 28, 28] uint8, `op` [N] int64 indexes `OPS`, `sign` [N] is +1 or -1 (without effect on ops that
    have no direction) and `magnitude` is torchvision's bin, 0 to 30. The pixels equal those of torchvision's
    RandAugment on tensors, with nearest interpolation and fill 0, on every device.

    Raises ValueError for any other dtype, shape or magnitude and, on a CPU, for other ops or signs. To look at the
    values on a GPU would stop it; there the lookup itself asserts the range of `op`.
    """
    check_indices("op", op, len(images), len(OPS))
    if sign.shape != op.shape or (sign.device.type == "cpu" and not ((sign == 1) | (sign == -1)).all()):
        raise ValueError(f"sign: expected [{len(op)}] of +1 and -1, got {list(sign.shape)}: {sign.unique().tolist()}")
    return apply_variants(images, (2 * op + (sign < 0))[None], magnitude)


def check_images(name: str, images: Tensor) -> None:
    if images.dtype != torch.uint8 or images.shape[1:] != (1, _SIDE, _SIDE):
        raise ValueError(f"{name}: expected [N, 1, 28, 28] uint8, got {list(images.shape)} {images.dtype}")


def check_indices(name: str, indices: Tensor, count: int, limit: int) -> None:
    """Raises unless `indices` is [count] int64 below `limit`; looks at values only on a CPU, to stop no GPU."""
    if indices.dtype != torch.int64 or indices.shape != (count,):
        raise ValueError(f"{name}: expected [{count}] int64, got {list(indices.shape)} {indices.dtype}")
    if indices.device.type == "cpu" and count and not 0 <= indices.min() <= indices.max() < limit:
        raise ValueError(f"{name}: expected 0 to {limit - 1}, got {indices.min()} to {indices.max()}")
