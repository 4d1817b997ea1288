"""The training settings of a study."""

import pandas as pd


def hyperparameters(training: dict, overrides: dict[str, dict]) -> pd.DataFrame:
    """Returns the training settings of a study, and which models override them.

    Args:
        training: the settings of the study.
        overrides: model -> the settings that it overrides.
    """
    # Some settings have a value only for the models that set them.
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
