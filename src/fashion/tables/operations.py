"""RandAugment's operations and their strengths."""

import pandas as pd

from fashion.data.operations import OPS, strength

# The unit of an operation's strength; the other operations have no strength.
UNITS = {
    "Rotate": "degrees, either way",
    "Solarize": "values from here on are inverted",
    **dict.fromkeys(("Color", "Contrast", "Brightness", "Sharpness"), "factor, 1 plus or minus"),
    "Posterize": "bits kept",
    **dict.fromkeys(("Shear-X", "Shear-Y"), "slope, either way"),
    **dict.fromkeys(("Translate-X", "Translate-Y"), "pixels, either way, rounded down"),
}


def operations(magnitudes: list[int]) -> pd.DataFrame:
    """Returns RandAugment's operations, each with its unit and its strength at the given magnitudes."""
    return pd.DataFrame(
        {
            "operation": name,
            "unit": UNITS.get(name, "no magnitude"),
            **{
                f"at magnitude {magnitude}": f"{strength(name, magnitude):.4g}" if name in UNITS else ""
                for magnitude in magnitudes
            },
        }
        for name in OPS
    )
