"""Early stopping: the best epoch, and the number of epochs without a better one."""

import math
from collections.abc import Iterable, Sequence


def best_epoch(validation_losses: Iterable[float]) -> int:
    """Returns the position of the lowest loss, the first of equal ones; NaN counts as infinite."""
    losses = [math.inf if math.isnan(loss) else loss for loss in validation_losses]
    return losses.index(min(losses))


def epochs_without_gain(validation_losses: Sequence[float], min_delta: float) -> int:
    """Returns early stopping's count after these epochs.

    A loss below the lowest so far resets the count. A loss above the lowest plus `min_delta`, or one that is not
    finite, adds one. A loss in between changes nothing.
    """
    lowest, count = math.inf, 0
    for loss in validation_losses:
        if loss < lowest:
            lowest, count = loss, 0
        elif not (loss <= lowest + min_delta and math.isfinite(loss)):
            count += 1
    return count


def epochs_until_stop(validation_losses: Sequence[float], patience: int, min_delta: float) -> int:
    """Returns after how many of these epochs early stopping would have ended the training; all if it would not."""
    losses = list(validation_losses)
    return next(
        (epoch for epoch in range(1, len(losses)) if epochs_without_gain(losses[:epoch], min_delta) >= patience),
        len(losses),
    )
