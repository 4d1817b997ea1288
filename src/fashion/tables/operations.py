"""RandAugment's operations, with how far each goes."""

import pandas as pd

from fashion.data.operations import OPS, strength

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
    """RandAugment's operations, and how far each goes at the given magnitudes, in its own unit."""
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
