"""What a trained model says of any image files."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from tabulate import tabulate

from fashion.ask.photograph import read
from fashion.errors import UserError
from fashion.study.run_folder import classes_of, read_run_spec, weights_of

TOP = 3


def image_files(arguments: Iterable[str]) -> Iterator[Path]:
    """The files that a command line's arguments name, in their order.

    A folder stands for the files in it (not in its subfolders) that are images by their names, sorted, and for itself
    if there are none; `-` for the paths on standard input, one a line.

    Raises:
        UserError: standard input has no path.
    """
    for argument in arguments:
        if argument == "-":
            # As bytes: a file's name may be no text.
            paths = [os.fsdecode(line) for line in sys.stdin.buffer.read().splitlines() if line.strip()]
            if not paths:
                raise UserError("-: no path on standard input; write one on each line")
            yield from image_files(path for path in paths if path != "-")
        elif os.path.isdir(argument):
            suffixes = {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}
            files = [path for path in Path(argument).glob("[!.]*") if path.suffix.lower() in suffixes]
            yield from sorted(files) or [Path(argument)]
        else:
            yield Path(argument)


def classify(run: Path, files: Iterable[Path]) -> list[dict]:
    """What the trained model of the run in a folder says of each file, in their order.

    Returns:
        For each `image`, a path: `class`, `confidence` (the softmax of the logits, 0 to 1), `top`, the three classes of
        highest confidence with theirs, and `seen`, how the image was made the model's; or `error`, why it was not read.

    Raises:
        UserError: the folder is no run's, or its weights are not usable.
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
    """The softmax of the logits `[N, 10] float32` for images `[N, 28, 28] uint8`."""
    # Not at the top: what is wrong with a folder or a file is said at once, and torch takes seconds to import.
    import torch

    from fashion.image import normalise
    from fashion.training.inference import load_model, logits_of, use_device

    device = use_device(None)
    inputs = normalise(torch.from_numpy(images[:, None]).to(device))
    return logits_of(load_model(spec, weights, device), inputs).softmax(dim=1).cpu().numpy()


def table(answers: Iterable[dict]) -> str:
    """The answers of `classify` for a page; an image that was not read has no row."""
    rows = [
        {
            "image": answer["image"],
            "class": answer["class"],
            "confidence": f"{answer['confidence']:.1%}",
            "then": ", ".join(f"{other['class']} {other['confidence']:.1%}" for other in answer["top"][1:]),
            "seen as": answer["seen"],
        }
        for answer in answers
        if "error" not in answer
    ]
    return tabulate(rows, headers="keys", tablefmt="plain", disable_numparse=True, preserve_whitespace=True)
