"""How often predictions are right at each confidence."""

from dataclasses import dataclass

import numpy as np

from fashion.records.predictions import Predictions

BINS = 15


@dataclass(frozen=True, eq=False)
class Reliability:
    """Of each of the `BINS` equal-width bins of confidence: share of the images, accuracy and mean confidence `[15]`.

    A bin holds its upper edge: the first is [0, 1/15], the second (1/15, 2/15]. Accuracy and mean confidence of a bin
    without images are NaN. An image whose confidence is NaN, as after divergence, is in none.
    """

    share: np.ndarray
    accuracy: np.ndarray
    confidence: np.ndarray

    @property
    def ece(self) -> float:
        """The expected calibration error (Guo et al. 2017, eq. 3): |accuracy - confidence|, weighted by `share`.

        NaN if an image is in no bin.
        """
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(self.share * gaps)) if np.isclose(self.share.sum(), 1) else np.nan


def reliability(predictions: Predictions) -> Reliability:
    """The reliability of predictions by the confidence in the predicted class."""
    known = ~np.isnan(predictions.confidence)
    confidence, correct = predictions.confidence[known], predictions.correct[known]
    bins = np.digitize(confidence, np.linspace(0, 1, BINS + 1)[1:-1], right=True)
    images = np.bincount(bins, minlength=BINS)
    held = np.where(images, images, np.nan)
    return Reliability(
        share=images / len(known),
        accuracy=np.bincount(bins, correct, BINS) / held,
        confidence=np.bincount(bins, confidence, BINS) / held,
    )
