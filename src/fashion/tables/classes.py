"""Table 1 of the report: the ten classes, counted from the dataset."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fashion.data.dataset import load
from fashion.image import CLASSES
from fashion.stage import exit_on_user_error
from fashion.tables.writing import table_parser, write_table


def classes(data: Path, names: Sequence[str] = CLASSES) -> pd.DataFrame:
    """Table 1: the ten classes, with the number of images of each, counted."""
    dataset = load(data)
    return pd.DataFrame(
        {
            "label": range(len(names)),
            "class": names,
            "train_images": np.bincount(dataset.train_labels, minlength=len(names)),
            "test_images": np.bincount(dataset.test_labels, minlength=len(names)),
        }
    )


def main() -> None:
    parser = table_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the dataset")
    arguments = parser.parse_args()
    write_table(classes(arguments.data, arguments.classes), arguments.output, arguments.note)


if __name__ == "__main__":
    exit_on_user_error(main)
