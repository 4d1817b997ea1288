"""Bars to scale: a measured number with its interval, and the region that a claim needs."""

WIDTH = 160  # in a bar, positions run from 0 to this
MARGIN = 0.2  # on either side, as a share of the numbers' range


def bar(row: dict) -> dict[str, float] | None:
    """Returns the positions of a row's numbers in a bar, by name; None if nothing was measured.

    Args:
        row: `measured`, the interval's `low` and `high`, and the region's `needs_low` and `needs_high`, in one unit.
            Numbers may be None: a bar then has no interval, or the region goes on to the bar's end.
    """
    if row["measured"] is None:
        return None
    numbers = {key: row[key] for key in ("measured", "low", "high", "needs_low", "needs_high") if row[key] is not None}
    least, greatest = min(numbers.values()), max(numbers.values())
    margin = MARGIN * (greatest - least) or 1
    scale = WIDTH / (greatest - least + 2 * margin)
    positions = {key: round(scale * (number - least + margin), 1) for key, number in numbers.items()}
    return {"needs_low": 0, "needs_high": WIDTH, **positions}
