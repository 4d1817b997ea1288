"""Compares two folders of runs, own results and a reference, by model and augmentation.

A reference has the layout of `results/<study>/`. Instead of a run's predictions it keeps a bit for each test image,
whether it was right: enough to pair the comparison by test image.
"""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from fashion.errors import UserError
from fashion.files import canonical_json
from fashion.records.metrics import percent, points
from fashion.records.run import finished_runs
from fashion.records.statistics import CONFIDENCE, holm, paired
from fashion.stage import exit_on_user_error, stage_parser
from fashion.study.changes import changes
from fashion.study.spec import run_name
from fashion.tables.writing import markdown

# The tolerance of every claim about accuracy, in claims.yaml.
TOLERANCE = 0.01
AGREES, DISAGREES, UNDECIDED, OTHER = "agrees", "disagrees", "undecided", "other settings"
RULE = f"""\
The difference is own minus reference test accuracy. A model and augmentation *agrees* if the {CONFIDENCE:.0%} \
interval of the difference lies within {100 * TOLERANCE:g} percentage point either way. It *disagrees* if the \
difference surely lies outside, at {1 - CONFIDENCE:.0%} after Holm's correction for the number of rows. It is \
*undecided* if there are too few seeds or test images to say. Runs are paired by seed and by test image. With the same \
code on the same kind of device, equal seeds give nearly the same numbers. On another kind of device they differ like \
different seeds, by some tenths of a point; the interval covers this only with two seeds or more. Runs under other \
settings decide nothing."""


def check(own: Path, reference: Path) -> pd.DataFrame:
    """Compares own results with a reference; see `RULE`.

    Args:
        own, reference: studies' folders, each of results or a reference.

    Returns:
        A row for each model and augmentation with seeds in common. `own` and `reference` are test accuracies,
        `difference` is own minus reference, with the interval `low` to `high`, and `only_one_right` is the share of
        test images that only one side has right.

    Raises:
        UserError: the folders have no run in common, or runs on other data.
    """
    sides = finished_runs(own), finished_runs(reference)
    common = defaultdict(list)
    for key in sides[0].keys() & sides[1].keys():
        common[key[:2]].append(key)
    if not common:
        raise UserError(
            f"nothing to compare: of {len(sides[0])} finished runs in {own} and {len(sides[1])} in {reference} "
            "none is of the same model, augmentation and seed"
        )
    for key in sides[0].keys() & sides[1].keys():
        mine, other = sides[0][key], sides[1][key]
        if mine.dataset != other.dataset:
            name = run_name(mine.spec)
            raise UserError(f"nothing to compare: {own} and {reference} have a run on different data, {name}")
    rows, p_outside = [], []
    for (model, augmentation), keys in sorted(common.items()):
        pairs = [(sides[0][key], sides[1][key]) for key in sorted(keys)]
        # A study may test on fewer images than another, always the first ones.
        images = min(len(run.correct) for pair in pairs for run in pair)
        right = np.array([[run.correct[:images] for run in pair] for pair in pairs])
        difference = right[:, 0] - right[:, 1]
        estimate = paired(difference)
        settings = sorted({words for mine, other in pairs for words in _differing(other.spec, mine.spec)})
        p_outside.append(1.0 if settings else estimate.p_outside(-TOLERANCE, TOLERANCE))
        agrees = estimate.p_inside(-TOLERANCE, TOLERANCE) <= 1 - CONFIDENCE
        low, high = estimate.interval()
        rows.append(
            {
                "model": model,
                "augmentation": augmentation,
                "seeds": len(pairs),
                "test_images": images,
                "own": right[:, 0].mean(),
                "reference": right[:, 1].mean(),
                "difference": estimate.value,
                "low": low,
                "high": high,
                "only_one_right": np.abs(difference).mean(),
                "verdict": OTHER if settings else AGREES if agrees else UNDECIDED,
                "settings": "; ".join(settings),
            }
        )
    table = pd.DataFrame(rows)
    table.loc[holm(p_outside) <= 1 - CONFIDENCE, "verdict"] = DISAGREES
    return table


def _differing(reference: dict, own: dict) -> list[str]:
    """Returns the settings that differ between two specs, without the study's name: `training.epochs 100 -> 3`."""
    before, now = ([repr(canonical_json({**spec, "study": None}))] for spec in (reference, own))
    return changes(before, now)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the comparison for a page."""
    return pd.DataFrame(
        {
            "model": row["model"],
            "augmentation": row["augmentation"],
            "seeds": row["seeds"],
            "test images": f"{row['test_images']:,}",
            "own": percent(row["own"]),
            "reference": percent(row["reference"]),
            "own minus reference": f"{points(row['difference'])} ({points(row['low'])} to {points(row['high'])})",
            "one alone is right": percent(row["only_one_right"]),
            "verdict": row["verdict"],
            "reference's setting -> own": row["settings"] or "equal",
        }
        for _, row in table.iterrows()
    )


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--own", type=Path, required=True, help="a study's folder of results")
    parser.add_argument("--reference", type=Path, required=True, help="a reference, or another folder of results")
    arguments = parser.parse_args()
    table = check(arguments.own, arguments.reference)
    print(markdown(readable(table)), RULE, sep="\n\n")
    disagreeing = table[table["verdict"] == DISAGREES]
    if len(disagreeing):
        names = ", ".join(disagreeing["model"] + " " + disagreeing["augmentation"])
        raise UserError(f"{len(disagreeing)} of {len(table)} disagree with {arguments.reference}: {names}")
    counts = ", ".join(f"{count} {verdict}" for verdict, count in table["verdict"].value_counts().sort_index().items())
    print(f"\nnone disagrees: {counts}")


if __name__ == "__main__":
    exit_on_user_error(main)
