"""Made-up histories and predictions, and what is asked of every figure that is drawn of them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

import fashion
from fashion.figures.parts.sheet import WIDTH, save
from fashion.image import CLASSES
from fashion.records.predictions import Predictions

# Of a training that had its core to itself, though another one ran beside it.
QUIET = {"device": "a processor", "driver": None, "gpu": None, "threads": 1, "cores": 2, "attempts": 1}
QUIET |= {"seconds": 100.0, "processor_seconds": 98.0, "other_processor_seconds": 99.0}
NOTE = "quick study: " + "says nothing about the report; " * 6


def write_run(
    folder: Path,
    *,
    model: str = "vgg8",
    family: str = "vgg",
    seed: int = 0,
    epochs: int = 12,
    layers: int = 0,
    diverged: bool = False,
) -> Path:
    """A run's folder with a spec, a made-up history with the gradient norms of so many layers, and its provenance.

    Of a run that diverged, the last epoch's losses are no numbers.
    """
    folder.mkdir(parents=True)
    spec = {"model": {"name": model, "family": family}, "augmentation": {"name": "both"}, "seed": seed}
    spec |= {"training": {}, "study": "test"}
    (folder / "spec.json").write_text(json.dumps(spec))
    metrics = [f"{part}_{metric}" for part in ("train", "validation", "test") for metric in ("loss", "accuracy")]
    columns = ["epoch", *metrics, "seconds", "gradient_norm"]
    columns += [f"gradient_norm:features.{layer}.weight" for layer in range(layers)]
    values = np.random.default_rng(seed).random((epochs, len(columns) - 1))
    if diverged:
        values[-1, [columns.index(f"{part}_loss") - 1 for part in ("train", "validation", "test")]] = np.nan
    where = {"epoch": epochs, "step": 7, "learning_rate": 0.001}
    provenance = QUIET | {"diverged": where if diverged else None}
    (folder / "provenance.json").write_text(json.dumps(provenance))
    rows = [",".join(map(str, (epoch, *row))) for epoch, row in enumerate(values.tolist(), start=1)]
    (folder / "history.csv").write_text("\n".join([",".join(columns), *rows]))
    return folder


def predict(*rows: tuple[int, int, float]) -> Predictions:
    """Predictions of images, each with its label, the predicted class and the confidence in that."""
    probabilities = np.empty((len(rows), len(CLASSES)))
    for row, (_, predicted, confidence) in zip(probabilities, rows, strict=True):
        row[:] = (1 - confidence) / (len(CLASSES) - 1)
        row[predicted] = confidence
    # Logits are probabilities' logarithms but for a constant, which differs from image to image.
    logits = np.log(probabilities) + np.arange(len(rows))[:, None]
    return Predictions(logits=logits.astype(np.float32), labels=np.array([label for label, *_ in rows]))


def write_predictions(run: Path, predictions: Predictions) -> None:
    """A run's folder with predictions in it, and nothing else."""
    run.mkdir(parents=True)
    np.savez_compressed(run / "predictions.npz", logits=predictions.logits, labels=predictions.labels)


def shown_texts(figure: Figure) -> list[Text]:
    """Every text of a figure, without the labels of ticks beyond an axis's ends, which exist but are not drawn."""
    beyond = set()
    for axis in figure.findobj(Axis):
        low, high = sorted(axis.get_view_interval())
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        ticks = [tick for tick in ticks if not low <= tick.get_loc() <= high]
        beyond |= {label for tick in ticks for label in (tick.label1, tick.label2)}
    return [text for text in figure.findobj(Text) if text.get_text() and text not in beyond]


def texts(figure: Figure) -> list[str]:
    """What `shown_texts` say."""
    return [text.get_text() for text in shown_texts(figure)]


def svg_texts(path: Path) -> list[str]:
    """What the texts of an SVG file say, each in a string."""
    return [text.text for text in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def check_legible(figure: Figure, folder: Path) -> None:
    """A figure fills the text width, has the note at its foot, and every text is legible and inside."""
    save(figure, [folder / "figure.png"], NOTE)
    assert figure.get_figwidth() == WIDTH
    assert NOTE.split() == figure.texts[-1].get_text().split()
    for text in shown_texts(figure):
        assert text.get_fontsize() >= 7, text.get_text()
        box, whole = text.get_window_extent(), figure.bbox.padded(1)
        assert whole.contains(box.x0, box.y0), f"{text.get_text()!r} is cut off at the left or the foot"
        assert whole.contains(box.x1, box.y1), f"{text.get_text()!r} is cut off at the right or the top"


def stage(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(Path(fashion.__file__).parents[1]), **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True)
