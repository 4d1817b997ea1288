"""Seeds and times in words."""

from collections.abc import Sequence


def seed_words(seeds: Sequence[int]) -> str:
    """Returns ascending `seeds` in words."""
    if len(seeds) > 3 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def duration(seconds: float) -> str:
    """Returns `seconds` in words, to about two digits."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{float(f'{seconds / 86400:.2g}'):g} days"
