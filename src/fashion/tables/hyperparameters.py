"""Table 3 of the report: the training settings, from the configuration."""

import json

import pandas as pd

from fashion.stage import exit_on_user_error
from fashion.tables.writing import table_parser, write_table


def hyperparameters(training: dict, overrides: dict[str, dict]) -> pd.DataFrame:
    """Table 3: the training settings of a study, and the models that override them.

    Args:
        training: the settings that hold unless a model overrides them.
        overrides: model -> the settings that differ.
    """
    # Those that the report has not have a value only where a model overrides it.
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


def main() -> None:
    parser = table_parser(__doc__)
    parser.add_argument("--training", type=json.loads, required=True, help='{"training": {...}, "overrides": {...}}')
    arguments = parser.parse_args()
    write_table(hyperparameters(**arguments.training), arguments.output, arguments.note)


if __name__ == "__main__":
    exit_on_user_error(main)
