"""Interval bars: a measured number with its interval against the region that a claim needs, drawn to scale."""

WIDTH = 160  # in a bar, positions run from 0 to this
MARGIN = 0.2  # on either side, of the range that is shown


def bar(row: dict) -> dict[str, float] | None:
    """The positions of a row's numbers in a bar, by name; None if nothing was measured.

    Args:
        row: `measured`, `low` and `high` of its interval, `needs_low` and `needs_high` of the region, in one unit. None
            is not there: without an interval a bar has none, and a region without a bound goes on to the bar's end.
    """
    if row["measured"] is None:
        return None
    numbers = {key: row[key] for key in ("measured", "low", "high", "needs_low", "needs_high") if row[key] is not None}
    least, greatest = min(numbers.values()), max(numbers.values())
    margin = MARGIN * (greatest - least) or 1
    scale = WIDTH / (greatest - least + 2 * margin)
    positions = {key: round(scale * (number - least + margin), 1) for key, number in numbers.items()}
    return {"needs_low": 0, "needs_high": WIDTH, **positions}
