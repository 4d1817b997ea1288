"""Table 2 of the report: RandAugment's operations, with how far each goes."""

import pandas as pd

from fashion.data.operations import OPS, strength
from fashion.stage import exit_on_user_error
from fashion.tables.writing import table_parser, write_table

# What an operation's strength counts; the others have none.
UNITS = {
    "Rotate": "degrees, either way",
    "Solarize": "values from here on are inverted",
    **dict.fromkeys(("Color", "Contrast", "Brightness", "Sharpness"), "factor, 1 plus or minus"),
    "Posterize": "bits kept",
    **dict.fromkeys(("Shear-X", "Shear-Y"), "slope, either way"),
    **dict.fromkeys(("Translate-X", "Translate-Y"), "pixels, either way, rounded down"),
}


def operations(magnitudes: list[int]) -> pd.DataFrame:
    """Table 2: RandAugment's operations, and how far each goes at the given magnitudes, in its own unit."""
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


def main() -> None:
    parser = table_parser(__doc__)
    parser.add_argument("--magnitudes", type=int, nargs="+", required=True)
    arguments = parser.parse_args()
    write_table(operations(arguments.magnitudes), arguments.output, arguments.note)


if __name__ == "__main__":
    exit_on_user_error(main)
