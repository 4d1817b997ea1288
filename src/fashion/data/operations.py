"""The fourteen operations of RandAugment, each image with its own, on the device that holds them.

On 28 x 28 grey images an op is a table or a small stencil: a geometric op says for each output pixel which pixel to
read, a tonal op what each of the 256 values becomes. So there is no loop over images: the four stages `_move`,
`_tone`, `_equalize` and `_sharpen` each treat all images that take part at once, whatever op and sign each one drew.

On a GPU all images take part in every stage, and those of other ops come out as they were: shapes and control flow
depend on no draw, nothing waits for the host, and everything can be captured in a CUDA graph (after one call outside
the capture, which builds the tables).

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

# Strength in the first and in the last bin, as in torchvision's RandAugment; the ops that are not here have none.
_RANGES = {
    "Rotate": (0.0, 30.0),
    "Solarize": (255.0, 0.0),
    **dict.fromkeys(("Color", "Contrast", "Brightness", "Sharpness"), (0.0, 0.9)),
    **dict.fromkeys(("Shear-X", "Shear-Y"), (0.0, 0.3)),
    **dict.fromkeys(("Translate-X", "Translate-Y"), (0.0, 150.0 / 331.0 * _SIDE)),
}


class _Tables(NamedTuple):
    """What the 28 variants (an op with a sign: 2 * op + (sign < 0)) do at one magnitude."""

    takes_part: Tensor  # [4, 28] bool: in which stage
    source: Tensor  # [28, 784] int64: the pixel that each output pixel is read from, or `_FILL`
    tones: Tensor  # [28, 256] float32: what replaces each value
    with_mean: Tensor  # [28, 2] float32: weights of tone and mean
    with_blur: Tensor  # [28, 2] float32: weights of image and blurred image
    interior: Tensor  # [784] int16: 1 where a pixel has eight neighbours


def strength(name: str, magnitude: int) -> float:
    """How far the named op goes in a magnitude bin, 0 to 30, without its sign; 0.0 for the ops that have no magnitude.

    In degrees (Rotate), slope (Shear), pixels, of which the whole ones count (Translate), bits kept (Posterize), the
    first value that is inverted (Solarize), or a factor's distance from 1 (Color, Contrast, Brightness, Sharpness).
    """
    if name == "Posterize":
        return float(8 - (torch.arange(MAGNITUDE_BINS) / ((MAGNITUDE_BINS - 1) / 4)).round()[magnitude])
    first, last = _RANGES.get(name, (0.0, 0.0))
    return float(torch.linspace(first, last, MAGNITUDE_BINS)[magnitude])


def _positions(x_from: tuple[float, float, float], y_from: tuple[float, float, float]) -> Tensor:
    """The pixel [784] int64 nearest to (x_from, y_from) . (x, y, 1) for each output pixel (x, y); `_FILL` if outside.

    Coordinates are pixels from the image's centre. Ties between two pixels are common and rounding decides them, so
    each step is torchvision's, in float32. Written out rather than as its matrix product, because that one rounds
    otherwise where `torch.set_float32_matmul_precision` or a BLAS says so.
    """
    centres = torch.arange(_SIDE) - (_SIDE - 1) / 2
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    rows = torch.tensor([x_from, y_from], dtype=torch.float32) / (_SIDE / 2)
    grid = torch.stack([x * a + y * b + c for a, b, c in rows], dim=-1)
    # Sampling gives 0 outside the image, so positions are counted from the fill.
    positions = (torch.arange(_PIXELS, dtype=torch.float32) - _FILL).view(1, 1, _SIDE, _SIDE)
    sampled = functional.grid_sample(positions, grid[None], mode="nearest", padding_mode="zeros", align_corners=False)
    return sampled.long().flatten() + _FILL


def _variant(name: str, amount: float) -> tuple[Tensor, Tensor, tuple[float, float], tuple[float, float]]:
    """`source` [784], `tones` [256], `with_mean` and `with_blur` (see `_Tables`) of the named op at a signed amount."""
    source, tones, with_mean, with_blur = torch.arange(_PIXELS), torch.arange(256), (1, 0), (1, 0)
    # By way of degrees and about the upper left corner, as torchvision shears.
    slope = math.tan(math.radians(math.degrees(math.atan(amount))))
    corner = _SIDE / 2 + slope * (_SIDE / 2) - _SIDE / 2
    match name:  # Color changes nothing: it blends an image with its grey version, and these are grey
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
    with torch.device("cpu"):  # its rounding decides on every device, whatever the default device
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
    """Read each output pixel from its source."""
    return functional.pad(pixels, (0, 1)).gather(1, tables.source.index_select(0, variant))


def _tone(pixels: Tensor, variant: Tensor, tables: _Tables) -> Tensor:
    """Look each pixel up in its image's own table: (tone - offset) * scale + shift, clamped.

    One affine map serves all these ops, because the steps that an op lacks (minus 0, times 1, plus 0) are exact.
    """
    scale, weight = tables.with_mean[variant].chunk(2, dim=1)
    # Divided by a tensor: by a number, CUDA multiplies with the reciprocal, which rounds otherwise than a CPU.
    total = pixels.sum(1, keepdim=True, dtype=torch.float32)
    shift = weight * (total / torch.full_like(total, _PIXELS))
    darkest, brightest = pixels.amin(1, keepdim=True).float(), pixels.amax(1, keepdim=True).float()
    stretches = (variant[:, None] // 2 == OPS.index("AutoContrast")) & (brightest > darkest)
    offset = darkest * stretches
    scale = torch.where(stretches, 255 / (brightest - darkest), scale)
    tones = tables.tones.index_select(0, variant).sub_(offset).mul_(scale).add_(shift).clamp_(0, 255)
    return tones.to(torch.uint8).gather(1, pixels.long())


def _equalize(pixels: Tensor, variant: Tensor, tables: _Tables) -> Tensor:
    """Look each pixel up in its image's cumulative histogram, divided in torchvision's integer steps."""
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
    """Blend the images with their 3 x 3 means, of weights 1 and in the middle 5; a border's mean is itself.

    Shifts of the flat batch are several times faster than a convolution; where they reach beyond the row or the
    image, `interior` is 0. A sum over 13 is never near a half, so that rounding needs no care.
    """
    weight, blur_weight = tables.with_blur[variant].chunk(2, dim=1)
    pixels = pixels.short()
    sums = functional.pad(pixels.flatten(), (_SIDE + 1, _SIDE + 1))
    sums = sums[:-2] + sums[1:-1] + sums[2:]
    sums = sums[: -2 * _SIDE] + sums[_SIDE:-_SIDE] + sums[2 * _SIDE :]
    sums = sums.view_as(pixels).sub_(pixels, alpha=9).mul_(tables.interior).add_(pixels, alpha=13)
    blurred = sums.div(13).round_().mul_(blur_weight)
    return pixels.float().mul_(weight).add_(blurred).clamp_(0, 255).to(torch.uint8)


# Each stage maps [n, 784] uint8 to the same, and leaves the images of ops that are not its own as they are.
_STAGES = {
    _move: ("Rotate", "Shear-X", "Shear-Y", "Translate-X", "Translate-Y"),
    _tone: ("AutoContrast", "Solarize", "Posterize", "Contrast", "Brightness"),
    _equalize: ("Equalize",),
    _sharpen: ("Sharpness",),
}


def _participants(takes_part: Tensor) -> Tensor:
    """Which images to give to a stage: those that take part; on a GPU all, because to count them would stop it."""
    if takes_part.device.type == "cpu":
        return takes_part.nonzero().flatten()
    return torch.arange(len(takes_part), device=takes_part.device)


def chunk_size(device: torch.device) -> int:
    """Images worked on at a time: on a CPU what its cache holds; on a GPU enough to fill it, at some 30 kB an image."""
    return 1024 if device.type == "cpu" else 8192


def apply_variants(images: Tensor, variants: Tensor, magnitude: int) -> Tensor:
    """Apply to each of `images` [N, 1, 28, 28] uint8 its column of `variants` [num_ops, N] int64 in turn."""
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
                # As 98 words a row, copied ten times faster than as 784 bytes.
                pixels.view(torch.int64).index_copy_(0, some, result.view(torch.int64))
    return augmented


def apply_ops(images: Tensor, op: Tensor, sign: Tensor, magnitude: int) -> Tensor:
    """Apply to each image its own op; returns [N, 1, 28, 28] uint8.

    `images` is [N, 1, 28, 28] uint8, `op` [N] int64 indexes `OPS`, `sign` [N] is +1 or -1 (of no effect on the ops
    without a direction) and `magnitude` is torchvision's bin, 0 to 30. Equal, pixel by pixel, to the op that
    torchvision's RandAugment applies to a tensor, with nearest interpolation and fill 0; the same on every device.

    Raises ValueError for any other dtype, shape or magnitude and, on a CPU, for other ops or signs: to look at the
    values on a GPU would stop it, and there the lookup itself asserts the range of `op`.
    """
    check_indices("op", op, len(images), len(OPS))
    if sign.shape != op.shape or (sign.device.type == "cpu" and not ((sign == 1) | (sign == -1)).all()):
        raise ValueError(f"sign: expected [{len(op)}] of +1 and -1, got {list(sign.shape)}: {sign.unique().tolist()}")
    return apply_variants(images, (2 * op + (sign < 0))[None], magnitude)


def check_images(name: str, images: Tensor) -> None:
    if images.dtype != torch.uint8 or images.shape[1:] != (1, _SIDE, _SIDE):
        raise ValueError(f"{name}: expected [N, 1, 28, 28] uint8, got {list(images.shape)} {images.dtype}")


def check_indices(name: str, indices: Tensor, count: int, limit: int) -> None:
    """Refuse all but [count] int64 below `limit`; values only where that needs no synchronisation with a GPU."""
    if indices.dtype != torch.int64 or indices.shape != (count,):
        raise ValueError(f"{name}: expected [{count}] int64, got {list(indices.shape)} {indices.dtype}")
    if indices.device.type == "cpu" and count and not 0 <= indices.min() <= indices.max() < limit:
        raise ValueError(f"{name}: expected 0 to {limit - 1}, got {indices.min()} to {indices.max()}")
