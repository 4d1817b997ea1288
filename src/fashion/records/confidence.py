"""The share of right predictions at each confidence."""

from dataclasses import dataclass

import numpy as np

from fashion.records.predictions import Predictions

BINS = 15


@dataclass(frozen=True, eq=False)
class Reliability:
    """Share of the images, accuracy and mean confidence `[15]` in each of `BINS` equally wide bins of confidence.

    A bin includes its upper edge: the first is [0, 1/15], the second (1/15, 2/15]. A bin without images has the
    accuracy and the mean confidence NaN. An image whose confidence is NaN, as after divergence, is in no bin.
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
    """Returns the reliability of predictions by their confidence in the predicted class."""
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
