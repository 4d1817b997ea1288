"""Flips, shifts and erased squares: each image's is torchvision's with the same draws."""

import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from fashion.data.augment import augment_epoch
from fashion.data.distort import erase, flip, shift
from fashion.image import normalise

IMAGES = torch.randint(1, 256, (400, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def draws(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def candidates(image: torch.Tensor, changed: list[torch.Tensor]) -> list[int]:
    """Which of some changed images an image equals."""
    return [index for index, other in enumerate(changed) if torch.equal(image, other)]


def test_half_the_images_are_mirrored_and_the_others_as_they_were():
    flipped = flip(IMAGES, draws())
    mirrored = [
        candidates(new, [old, reference.horizontal_flip(old)]) for old, new in zip(IMAGES, flipped, strict=True)
    ]
    assert all(len(found) == 1 for found in mirrored)
    assert 160 < sum(found[0] for found in mirrored) < 240


def test_every_shift_is_a_padded_crop_and_all_are_equally_likely():
    shifted = shift(IMAGES, 1, draws())
    found = []
    for old, new in zip(IMAGES, shifted, strict=True):
        padded = reference.pad(old, [1])
        crops = [reference.crop(padded, top, left, 28, 28) for top in range(3) for left in range(3)]
        found += candidates(new, crops)
    counts = torch.bincount(torch.tensor(found), minlength=9)
    assert len(found) == len(IMAGES)
    assert counts.min() > 20


@pytest.mark.parametrize("side", [1, 7, 8])
def test_a_square_is_black_and_nothing_else_changes(side):
    erased = erase(IMAGES, side, draws())
    tops = set()
    for old, new in zip(IMAGES, erased, strict=True):
        rows, columns = (new[0] == 0).nonzero().unbind(1)
        top, left, bottom, right = (int(edge) for edge in (rows.min(), columns.min(), rows.max(), columns.max()))
        height, width = bottom - top + 1, right - left + 1
        assert torch.equal(new, reference.erase(old, top, left, height, width, torch.zeros(1, dtype=torch.uint8)))
        # Over the border it is smaller.
        assert height == side or top == 0 or bottom == 27
        assert width == side or left == 0 or right == 27
        assert (side + 1) // 2 <= height <= side or side == 1
        tops.add(top)
    assert {0, 27 - side // 2} <= tops  # centres are all rows, the last one too


def test_an_epoch_has_them_in_turn_each_image_by_its_own_draws():
    augmentation = {"flip": True, "shift": 2, "erase": 8}
    inputs, _ = augment_epoch(IMAGES, torch.zeros(400, dtype=torch.int64), augmentation, 10, draws())
    generator = draws()
    expected = erase(shift(flip(IMAGES, generator), 2, generator), 8, generator)
    assert torch.equal(inputs, normalise(expected))
    other, _ = augment_epoch(IMAGES, torch.zeros(400, dtype=torch.int64), augmentation, 10, draws(2))
    assert not torch.equal(inputs, other)


def test_partners_in_a_mix_are_distorted_too():
    labels = torch.zeros(400, dtype=torch.int64)
    black_border = torch.zeros(400, 1, 28, 28, dtype=torch.uint8)
    black_border[..., 14:] = 255
    augmentation = {"flip": True, "mixup": {"alpha": 1e-6}}  # so small an alpha takes one of the two
    mixed, _ = augment_epoch(black_border, labels, augmentation, 10, draws(), partners=(black_border, labels))
    left_is_bright = mixed[:, 0, 0, 0] > 0
    assert 120 < left_is_bright.sum() < 280
