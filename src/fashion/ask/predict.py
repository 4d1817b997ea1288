"""A trained model's answers on image files."""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from tabulate import tabulate

from fashion.ask.photograph import FORMATS, read
from fashion.errors import UserError, printable
from fashion.files import read_json
from fashion.stage import logger
from fashion.study.run_folder import METRICS, classes_of, read_run_spec, weights_of

TOP = 3
UNSURE = 0.6  # below this confidence


def image_files(arguments: Iterable[str]) -> Iterator[Path]:
    """Yields the files that a command line's arguments name, in their order.

    A folder stands for its image files (by name, sorted, without subfolders), or for itself if it has none. Its other
    files are counted on stderr. `-` stands for the paths on standard input, one a line.

    Raises:
        UserError: standard input has no path.
    """
    for argument in arguments:
        if argument == "-":
            # A file's name may be no valid text, so it is read as bytes.
            paths = [os.fsdecode(line) for line in sys.stdin.buffer.read().splitlines() if line.strip()]
            if not paths:
                raise UserError("-: no path on standard input; write one on each line")
            yield from image_files(path for path in paths if path != "-")
        elif os.path.isdir(argument):
            suffixes = {suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS}
            there = sorted(Path(argument).glob("[!.]*"))
            files = [path for path in there if path.suffix.lower() in suffixes]
            others = [path for path in there if path.suffix.lower() not in suffixes]
            if others:
                counts = Counter("folder" if path.is_dir() else path.suffix or "without suffix" for path in others)
                kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
                logger.warning(printable(f"{argument}: passed over what is no image of a known format: {kinds}"))
            yield from files or [Path(argument)]
        else:
            yield Path(argument)


def classify(run: Path, files: Iterable[Path]) -> list[dict]:
    """Classifies each file with the trained model of a run, given by its folder.

    Returns:
        A mapping for each file, in their order: `image`, its path; `class`; `confidence` (the softmax of the logits, 0
        to 1); `top`, the three most confident classes; and `seen`, how the image was converted. A file that could not
        be read has `image` and `error`, the reason.

    Raises:
        UserError: the folder is not a run's, its weights are not usable, or its training diverged.
    """
    spec, weights, classes = read_run_spec(run), weights_of(run), classes_of(run)
    answers, images = [], []
    for file in files:
        try:
            pixels, seen = read(file)
        except UserError as error:
            answers.append({"image": str(file), "error": str(error)})
        else:
            answers.append({"image": str(file), "class": None, "confidence": None, "top": None, "seen": seen})
            images.append(pixels)
    if images:
        answered = [answer for answer in answers if "error" not in answer]
        for answer, confidences in zip(answered, _confidences(spec, weights, np.stack(images)), strict=True):
            best = np.argsort(-confidences, kind="stable")[:TOP]
            answer["top"] = [{"class": classes[label], "confidence": float(confidences[label])} for label in best]
            answer |= answer["top"][0]
    return answers


def _confidences(spec: dict, weights: Path, images: np.ndarray) -> np.ndarray:
    """Returns the softmax of the logits, `[N, 10] float32`, for images `[N, 28, 28] uint8`."""
    # Torch takes seconds to import: errors about a folder or a file must not wait for it.
    import torch

    from fashion.image import normalise
    from fashion.training.inference import load_model, logits_of, use_device

    device = use_device(None)
    inputs = normalise(torch.from_numpy(images[:, None]).to(device))
    confidences = logits_of(load_model(spec, weights, device), inputs).softmax(dim=1).cpu().numpy()
    if not np.isfinite(confidences).all():
        raise UserError(f"{weights}: this model's answers are no numbers: its training diverged; choose another run")
    return confidences


def tested(run: Path) -> str:
    """Returns in words how many test images a run's model gets right; "" if it was not tested."""
    if not (run / METRICS).exists():
        return ""
    metrics = read_json(run / METRICS)
    return f": right on {metrics['test_accuracy']:.1%} of {metrics['test_images']:,} test images"


def table(answers: Iterable[dict]) -> str:
    """Returns the answers of `classify` as a table for a terminal; an image that was not read has no row."""
    rows = [
        {
            "image": printable(answer["image"]),
            "class": printable(answer["class"]),
            "confidence": f"{answer['confidence']:.1%}" + (", unsure" if answer["confidence"] < UNSURE else ""),
            "then": ", ".join(f"{printable(other['class'])} {other['confidence']:.1%}" for other in answer["top"][1:]),
            "seen as": answer["seen"],
        }
        for answer in answers
        if "error" not in answer
    ]
    return tabulate(rows, headers="keys", tablefmt="plain", disable_numparse=True, preserve_whitespace=True)
