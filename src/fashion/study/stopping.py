"""Early stopping: which epoch is the best, and for how many epochs none was better."""

import math
from collections.abc import Iterable, Sequence


def best_epoch(validation_losses: Iterable[float]) -> int:
    """The position of the lowest loss, the first of equal ones; one that is no number counts as infinite."""
    losses = [math.inf if math.isnan(loss) else loss for loss in validation_losses]
    return losses.index(min(losses))


def epochs_without_gain(validation_losses: Sequence[float], min_delta: float) -> int:
    """Early stopping's count after these epochs.

    A loss below the lowest so far resets it; one above the lowest plus `min_delta`, or one that is no number, adds one;
    one in between changes nothing.
    """
    lowest, count = math.inf, 0
    for loss in validation_losses:
        if loss < lowest:
            lowest, count = loss, 0
        elif not (loss <= lowest + min_delta and math.isfinite(loss)):
            count += 1
    return count
