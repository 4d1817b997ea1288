"""Any image file as an image of the dataset: 28 x 28, grey, the article light on black and as large as it can be.

The dataset was made from a shop's photographs (Xiao et al., "Fashion-MNIST" (2017), section 2). Edges within 5 % of the
corners' colour were trimmed. The longer side was subsampled to 28 and sharpened; the shorter side was extended to 28
with the article in the middle. The image was negated, as the shop's background is white, and made grey. Here

- the background is the median of the border's pixels, because an article may reach into a corner;
- a pixel becomes its distance from the background. On white that is the negative, on black the pixel itself, and on
  any other background the article is light on black too;
- antialiasing replaces subsampling and sharpening, so that a large photograph leaves no accidental pixels.

An image of 28 x 28 pixels is only inverted if its background is light: it is taken for a finished one.
"""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fashion.errors import UserError

SIDE = 28
TRIMMED = 0.05 * 255
# An image is reduced to this size before it is trimmed: noise in single pixels, which would stop that, averages out.
REDUCED = 10 * SIDE
# A PostScript file is a program, which Pillow would have Ghostscript run, whatever the file's name.
Image.init()
FORMATS = [name for name in Image.ID if name != "EPS"]


def read(path: Path) -> tuple[np.ndarray, str]:
    """Returns the image in the file at `path` as `[28, 28] uint8`, and how it was converted, in words.

    It reads the first frame of an animation and turns a photograph upright as its EXIF says.

    Raises:
        UserError: there is no such file, it is not an image, or it is damaged.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ValueError("a pipe or a device")  # to open one may wait for ever
        # Odd metadata and large images make Pillow warn; neither changes the answer.
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            frames = getattr(image, "n_frames", 1)
            grey, background, done = _grey(ImageOps.exif_transpose(image))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except PermissionError as error:
        raise UserError(f"{path}: permission denied; chmod +r lets you read it") from error
    except IsADirectoryError as error:
        raise UserError(f"{path}: a folder without images; of subfolders, name each: {path}/*") from error
    except UnidentifiedImageError as error:
        raise UserError(
            f"{path}: not an image of a known format; PNG, JPEG, WebP, GIF, TIFF and BMP are some"
        ) from error
    except Exception as error:  # Pillow raises nearly anything on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: not a readable image ({reason}); save it anew as PNG or JPEG") from error
    if background is None:
        background = np.median(np.concatenate([grey[[0, -1]].ravel(), grey[1:-1, [0, -1]].ravel()]))
        done.append("light background, inverted" if background > 127 else "dark background")
    else:
        done.append("transparent background")
    if grey.shape == (SIDE, SIDE):
        pixels = 255 - grey if background > 127 else grey
    else:
        pixels = _fit(grey, background)
        done.append("{1} x {0} pixels fitted".format(*grey.shape))
    if frames > 1:
        done.append(f"first of {frames} frames")
    if np.ptp(pixels) <= TRIMMED:
        done.append("nothing stands out from the background")
    return pixels, "; ".join(done)


def _grey(image: Image.Image) -> tuple[np.ndarray, int | None, list[str]]:
    """Returns an image as `[H, W] uint8`, the value of its transparent background, and how it was converted, in words.

    The background is None if it is not transparent.
    """
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers")
    if image.mode.startswith("I"):  # more than 8 bits, perhaps not all in use; `convert` would clip values
        values = np.asarray(image, dtype=np.int64)
        if values.min() < 0:
            raise ValueError("its pixels are negative numbers")
        bits = max(8, int(values.max()).bit_length())
        return (values * 255 // (2**bits - 1)).astype(np.uint8), None, [f"greys of {bits} bits"]
    if not image.has_transparency_data:
        return np.asarray(image.convert("L")), None, []
    grey, alpha = (np.asarray(band, dtype=np.int64) for band in image.convert("RGBA").convert("LA").split())
    if alpha.min() == 255:
        return grey.astype(np.uint8), None, []
    # Transparent pixels have no colour: they become black or white, whichever is farther from the article.
    background = 0 if (grey * alpha).sum() > 127 * alpha.sum() else 255
    return ((grey * alpha + background * (255 - alpha)) // 255).astype(np.uint8), background, []


def _fit(grey: np.ndarray, background: float) -> np.ndarray:
    """Returns the article in `grey` `[H, W] uint8` light on black, trimmed and centred: `[28, 28] uint8`."""
    reduced = Image.fromarray(grey)
    reduced.thumbnail((REDUCED, REDUCED), Image.Resampling.LANCZOS)
    distance = np.abs(np.asarray(reduced) - float(background))
    rows, columns = (np.flatnonzero((distance > TRIMMED).any(axis)) for axis in (1, 0))
    if not len(rows):
        return np.zeros((SIDE, SIDE), np.uint8)
    article = distance[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] * (255 / max(background, 255 - background))
    # ImageOps.pad would round the width of a very narrow article to 0.
    height, width = (max(1, round(SIDE * side / max(article.shape))) for side in article.shape)
    resized = Image.fromarray(article.round().astype(np.uint8)).resize((width, height), Image.Resampling.LANCZOS)
    fitted = Image.new("L", (SIDE, SIDE))
    fitted.paste(resized, ((SIDE - width) // 2, (SIDE - height) // 2))
    return np.asarray(fitted)
