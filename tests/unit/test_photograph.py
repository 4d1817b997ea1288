"""Any image file becomes an image of the dataset, and what cannot is refused by name."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fashion.ask.photograph import read
from fashion.errors import UserError
from helpers.permission import denied

# Dark in light, round an empty middle, and of no symmetry; it reaches from the top to the foot, as articles do.
ARTICLE = np.zeros((28, 28), np.uint8)
ARTICLE[:, 8:20] = 180
ARTICLE[4:12, 11:17] = 60
ARTICLE[20:, 14:20] = 250
FITTED = "600 x 800 pixels fitted"


def enlarged(background: int = 0, light: bool = False, noise: float = 0) -> np.ndarray:
    """The article on 600 x 800 pixels, 20 times as large and not in the middle: [800, 600] uint8."""
    article = np.kron(255 - ARTICLE if light else ARTICLE, np.ones((20, 20)))
    photograph = np.full((800, 600), background, np.float64)
    photograph[30 : 30 + 560, 10 : 10 + 560] = np.where(np.kron(ARTICLE, np.ones((20, 20))), article, background)
    photograph += np.random.default_rng(0).normal(0, noise, photograph.shape)
    return photograph.round().clip(0, 255).astype(np.uint8)


def saved(path: Path, image: Image.Image | np.ndarray, **options) -> Path:
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


@pytest.mark.parametrize(
    "convert",
    [
        lambda image: image,
        lambda image: image.convert("RGB"),
        lambda image: image.convert("RGBA"),
        lambda image: image.convert("P"),
        lambda image: Image.fromarray(np.asarray(image).astype(np.uint16) * 257),
    ],
    ids=["grey", "colour", "opaque", "palette", "16 bits"],
)
def test_an_image_like_the_datasets_is_left_as_it_is(convert: Callable, tmp_path: Path) -> None:
    pixels, seen = read(saved(tmp_path / "image.png", convert(Image.fromarray(ARTICLE))))
    np.testing.assert_array_equal(pixels, ARTICLE)
    assert pixels.dtype == np.uint8
    assert seen.removeprefix("greys of 16 bits; ") == "dark background"


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 15, 16, 31])
@pytest.mark.parametrize(("format", "kind"), [("png", np.uint16), ("tiff", ">u2"), ("tiff", np.int32)])
def test_greys_are_scaled_by_the_bits_that_they_have(bits: int, format: str, kind: type, tmp_path: Path) -> None:
    if bits > 8 * np.dtype(kind).itemsize:
        pytest.skip("no such file")
    greys = (ARTICLE * ((2**bits - 1) / 255)).round()
    pixels, seen = read(saved(tmp_path / f"image.{format}", greys.astype(kind)))
    assert np.abs(pixels.astype(int) - ARTICLE).max() <= 1
    assert seen == f"greys of {bits} bits; dark background"


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("colour", [0, 3], ids=["grey", "palette"])
def test_few_greys_are_all_that_they_are(bits: int, colour: int, tmp_path: Path) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    levels = ARTICLE >> (8 - bits)
    rows = [np.packbits(np.unpackbits(row[:, None], axis=1)[:, -bits:]).tobytes() for row in levels]
    palette = b"".join(bytes([round(255 * level / (2**bits - 1))] * 3) for level in range(2**bits))
    file = tmp_path / "image.png"
    file.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, bits, colour, 0, 0, 0))
        + (chunk(b"PLTE", palette) if colour else b"")
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
        + chunk(b"IEND", b"")
    )
    pixels, _ = read(file)
    np.testing.assert_array_equal(pixels, levels * (255 // (2**bits - 1)))


def test_every_image_of_28_pixels_on_light_is_inverted_and_no_more(tmp_path: Path) -> None:
    pixels, seen = read(saved(tmp_path / "image.png", 255 - ARTICLE // 2))
    np.testing.assert_array_equal(pixels, ARTICLE // 2)
    assert seen == "light background, inverted"


@pytest.mark.parametrize(
    ("photograph", "seen"),
    [
        (enlarged(), f"dark background; {FITTED}"),
        (enlarged(255, light=True), f"light background, inverted; {FITTED}"),
        (enlarged(noise=6), f"dark background; {FITTED}"),
    ],
    ids=["dark", "light", "noisy"],
)
@pytest.mark.parametrize("format", ["png", "jpg", "webp", "gif"])
def test_a_photograph_is_trimmed_to_its_article(photograph: np.ndarray, seen: str, format: str, tmp_path: Path) -> None:
    colour = Image.fromarray(photograph).convert("RGB")
    pixels, said = read(saved(tmp_path / f"image.{format}", colour))
    assert said == seen
    assert np.abs(pixels.astype(int) - ARTICLE).mean() < 4
    assert np.abs(np.roll(pixels, 1, axis=1).astype(int) - ARTICLE).mean() > 8


def test_the_background_becomes_black_whatever_its_grey(tmp_path: Path) -> None:
    pixels, _ = read(saved(tmp_path / "image.png", enlarged(200, light=True)))
    assert pixels[:, :7].max() == pixels[:, 21:].max() == 0
    # A black shoe on a grey floor is light on black too.
    floor = np.full((100, 100), 110, np.uint8)
    floor[40:60] = 20
    pixels, seen = read(saved(tmp_path / "shoe.png", floor[:, 10:]))
    assert pixels.max() > 120
    assert seen == "dark background; 90 x 100 pixels fitted"


@pytest.mark.parametrize("shape", [(50, 10), (10, 300), (30, 4000)], ids=str)
def test_the_longer_side_becomes_28_and_the_shorter_is_centred(shape: tuple, tmp_path: Path) -> None:
    photograph = np.zeros((shape[0] + 7, shape[1] + 30), np.uint8)
    photograph[2 : 2 + shape[0], 5 : 5 + shape[1]] = 200
    pixels, _ = read(saved(tmp_path / "image.png", photograph))
    rows, columns = (np.flatnonzero((pixels > 100).any(axis)) for axis in (1, 0))
    extents = [len(rows), len(columns)]
    assert max(extents) == 28
    assert extents.index(max(extents)) == np.argmax(shape)
    for ends in (rows, columns):
        assert abs(ends[0] + ends[-1] - 27) <= 1


@pytest.mark.parametrize("value", [40, 230], ids=["dark", "light"])
def test_what_is_transparent_is_background(value: int, tmp_path: Path) -> None:
    # The transparent pixels have the article's own colour, which nobody sees.
    photograph = np.full((60, 60, 4), value, np.uint8)
    photograph[..., 3] = 0
    photograph[0:60, 20:40, 3] = 255
    pixels, seen = read(saved(tmp_path / "image.png", photograph))
    assert pixels[:, 10:18].min() > 200
    assert pixels[:, :8].max() == pixels[:, 20:].max() == 0
    assert seen == "transparent background; 60 x 60 pixels fitted"


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    lying = Image.fromarray(enlarged()).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    upright, seen = read(saved(tmp_path / "image.jpg", lying, exif=exif))
    assert np.abs(upright.astype(int) - ARTICLE).mean() < 4
    assert seen == f"dark background; {FITTED}"


def test_an_animation_is_its_first_frame(tmp_path: Path) -> None:
    others = [Image.fromarray(np.roll(ARTICLE, shift)) for shift in (5, 9)]
    file = saved(tmp_path / "image.gif", ARTICLE, save_all=True, append_images=others)
    pixels, seen = read(file)
    np.testing.assert_array_equal(pixels, ARTICLE)
    assert seen == "dark background; first of 3 frames"


@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (400, 300), (1, 28, 4)], ids=str)
def test_an_image_of_nothing_says_so(shape: tuple, tmp_path: Path) -> None:
    pixels, seen = read(saved(tmp_path / "image.png", np.zeros(shape, np.uint8)))
    assert pixels.shape == (28, 28)
    assert pixels.max() == 0
    assert seen.endswith("; nothing stands out from the background")


def test_what_is_no_image_is_refused_in_one_line_by_name(tmp_path: Path) -> None:
    whole = saved(tmp_path / "whole.jpg", enlarged()).read_bytes()
    saved(tmp_path / "program.eps", ARTICLE).rename(tmp_path / "program.png")
    contents = {"cut.jpg": whole[: len(whole) // 2], "text.png": b"no image\n", "empty.gif": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    saved(tmp_path / "float.tiff", ARTICLE.astype(np.float32))
    saved(tmp_path / "negative.tiff", ARTICLE.astype(np.int32) - 1)
    os.mkfifo(tmp_path / "pipe.png")
    expected = {
        "cut.jpg": r"not a readable image \(image file is truncated.*\); save it anew as PNG or JPEG",
        "text.png": "not an image of a known format; PNG, JPEG",
        "empty.gif": "not an image of a known format; PNG, JPEG",
        "float.tiff": "not a readable image .its pixels are floating-point numbers.",
        "negative.tiff": "not a readable image .its pixels are negative numbers.",
        "pipe.png": "not a readable image .a pipe or a device.",
        "/dev/zero": "not a readable image .a pipe or a device.",
        "program.png": "not an image of a known format; PNG, JPEG",
        "missing.png": "no such file",
        ".": "a folder without images; of subfolders, name each",
    }
    for name, message in expected.items():
        path = tmp_path / name
        with pytest.raises(UserError, match=message) as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
    with denied(tmp_path / "whole.jpg"), pytest.raises(UserError, match=r"whole\.jpg: permission denied"):
        read(tmp_path / "whole.jpg")
