"""The training settings of a study."""

from collections.abc import Sequence

import pandas as pd


def hyperparameters(rows: Sequence[tuple[str, object, Sequence[tuple[str, list[str]]]]]) -> pd.DataFrame:
    """Returns the training settings of a study, and which models override them.

    Args:
        rows: each setting, its value in the study ("" if only models set it), and the other values with their models.
    """
    return pd.DataFrame(
        {
            "setting": setting,
            "value": value,
            "overridden": "; ".join(f"{other} for {', '.join(models)}" for other, models in others),
        }
        for setting, value, others in rows
    )
