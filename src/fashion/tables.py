"""Tables 1 to 3 of the report, made from the dataset, the augmentation and the configuration."""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from fashion.dataset import CLASSES, load
from fashion.errors import exit_on_user_error
from fashion.files import atomic, write_text

# What an operation's strength counts; the others have none.
UNITS = {
    "Rotate": "degrees, either way",
    "Solarize": "values from here on are inverted",
    **dict.fromkeys(("Color", "Contrast", "Brightness", "Sharpness"), "factor, 1 plus or minus"),
    "Posterize": "bits kept",
    **dict.fromkeys(("Shear-X", "Shear-Y"), "slope, either way"),
    **dict.fromkeys(("Translate-X", "Translate-Y"), "pixels, either way, rounded down"),
}


def write_table(frame: pd.DataFrame, path: Path, note: str = "", shown: pd.DataFrame | None = None) -> None:
    """Write `frame` to `path`, a .csv file, and beside it as Markdown, there with `note` under it.

    Args:
        shown: what the Markdown file has instead of `frame`.
    """
    with atomic(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")
    text = (frame if shown is None else shown).to_markdown(index=False, disable_numparse=True)
    write_text(path.with_suffix(".md"), f"{text}\n" + (f"\n*{note}*\n" if note else ""))


def classes(data: Path) -> pd.DataFrame:
    """Table 1: the ten classes, with the number of images of each, counted."""
    dataset = load(data)
    return pd.DataFrame(
        {
            "label": range(len(CLASSES)),
            "class": CLASSES,
            "train_images": np.bincount(dataset.train_labels, minlength=len(CLASSES)),
            "test_images": np.bincount(dataset.test_labels, minlength=len(CLASSES)),
        }
    )


def operations(magnitudes: list[int]) -> pd.DataFrame:
    """Table 2: RandAugment's operations, and how far each goes at the given magnitudes, in its own unit."""
    from fashion.augment import OPS, strength

    return pd.DataFrame(
        {
            "operation": name,
            "unit": UNITS.get(name, ""),
            **{
                f"at magnitude {magnitude}": f"{strength(name, magnitude):.4g}" if name in UNITS else ""
                for magnitude in magnitudes
            },
        }
        for name in OPS
    )


def hyperparameters(training: dict, overrides: dict[str, dict]) -> pd.DataFrame:
    """Table 3: the training settings of a budget, and the models that override them.

    Args:
        training: the settings that hold unless a model overrides them.
        overrides: model -> the settings that differ.
    """
    return pd.DataFrame(
        [
            {
                "setting": key,
                "value": value,
                "overridden for": ", ".join(
                    f"{model}: {settings[key]}" for model, settings in sorted(overrides.items()) if key in settings
                ),
            }
            for key, value in training.items()
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fashion.tables", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="the .csv file; a .md file is written beside it")
    parser.add_argument("--note", default="", help="a line under the Markdown table")
    tables = parser.add_subparsers(dest="table", required=True)
    tables.add_parser("classes").add_argument("--data", type=Path, required=True)
    tables.add_parser("operations").add_argument("--magnitudes", type=int, nargs="+", required=True)
    tables.add_parser("hyperparameters").add_argument("--training", type=json.loads, required=True)
    arguments = parser.parse_args()
    match arguments.table:
        case "classes":
            frame = classes(arguments.data)
        case "operations":
            frame = operations(arguments.magnitudes)
        case "hyperparameters":
            frame = hyperparameters(**arguments.training)
    write_table(frame, arguments.output, arguments.note)


if __name__ == "__main__":
    exit_on_user_error(main)
