"""The training settings, from the configuration."""

import pandas as pd


def hyperparameters(training: dict, overrides: dict[str, dict]) -> pd.DataFrame:
    """The training settings of a study, and the models that override them.

    Args:
        training: the settings that hold unless a model overrides them.
        overrides: model -> the settings that differ.
    """
    # Settings that the study leaves out have a value only where a model sets them.
    beyond = sorted({key for settings in overrides.values() for key in settings} - set(training))
    return pd.DataFrame(
        [
            {
                "setting": key,
                "value": value,
                "overridden for": ", ".join(
                    f"{model}: {settings[key]}" for model, settings in sorted(overrides.items()) if key in settings
                ),
            }
            for key, value in [*training.items(), *((key, "") for key in beyond)]
        ]
    )
