"""How sure a number is: means over seeds and test images with their error, and whether they lie in a region.

A number is the signed sum of the means of one or more sides, each side a model with an augmentation and its seeds:
A minus B, for instance. Sides are not paired by seed, since no common effect of a seed was found (F = 0.54 over nine
models), so that a side may have more seeds than another. Test images are paired: all sides find the same images hard.
The variances over each side's seeds and over the test images add up, with degrees of freedom after Welch and
Satterthwaite.

Few seeds agree or differ by chance. So the variance of an accuracy over seeds is moderated (Smyth, "Linear models and
empirical Bayes methods", 2004): `s²` of n seeds becomes `(3 x 0.45² + (n - 1) s²) / (n + 2)` squared points, with n + 2
degrees of freedom. A side whose seeds spread by more than 1.1 points keeps its own variance. The constants were
fixed on 2026-11-26, from the thirteen models and augmentations that had been run with three seeds or more by then.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special  # scipy.stats takes a second more to import

CONFIDENCE = 0.95
SPREAD, SPREAD_FREEDOM, OWN_ABOVE = 0.0045, 3, 0.011
COUNT_VARIANCE = 1 / 12  # of a number that was rounded to a whole one: equal counts are no certainty


def quantile(freedom: float) -> float:
    """Returns how many standard errors a two-sided 95 % interval reaches to either side, by Student's t."""
    return float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2))


@dataclass(frozen=True, kw_only=True)
class Side:
    """The `variance` over the `seeds` of one side of a comparison, and the degrees of freedom `beside` the seeds'."""

    variance: float
    seeds: int
    beside: int = 0

    @property
    def term(self) -> tuple[float, float]:
        """The variance of the mean, NaN if it is not known, and its degrees of freedom."""
        freedom = self.seeds - 1 + self.beside
        return (self.variance / self.seeds if freedom else math.nan), freedom


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean `value` of `sides`; what is counted has none, and no error.

    `image_variance` is the variance of the mean over `images` test images; 0 and 0 for other numbers.
    """

    value: float
    sides: tuple[Side, ...] = ()
    image_variance: float = 0.0
    images: int = 0

    @property
    def seeds(self) -> int:
        """The seeds of the side with the fewest; 0 for what is counted."""
        return min((side.seeds for side in self.sides), default=0)

    @property
    def terms(self) -> list[tuple[float, float]]:
        """The variances that add up to the squared error, each with its degrees of freedom."""
        return [side.term for side in self.sides] + [(self.image_variance, self.images - 1)] * bool(self.images)

    @property
    def error(self) -> float:
        """The standard error; 0 for what is counted, NaN if it is not known."""
        return math.sqrt(sum(variance for variance, _ in self.terms))

    @property
    def freedom(self) -> float:
        """The degrees of freedom of the error."""
        squares = sum(variance**2 / freedom for variance, freedom in self.terms if variance > 0)
        return self.error**4 / squares if squares else math.inf

    @property
    def half_width(self) -> float:
        """The distance from the value to the ends of its interval; 0 for what is counted."""
        return quantile(self.freedom) * self.error if self.error else 0.0

    def interval(self) -> tuple[float, float]:
        """Returns the two-sided 95 % confidence interval of the value, for other seeds and other test images."""
        return self.value - self.half_width, self.value + self.half_width

    def p_inside(self, low: float, high: float) -> float:
        """Returns the p-value against "it lies outside (low, high]", two one-sided tests: small if it is surely inside.

        Twice the one-sided value, so that it is below 5 % just when the 95 % interval lies in the region.
        """
        if not self.error:
            return float(not low < self.value <= high)
        return min(1.0, 2 * max(self._above(low), self._below(high)))

    def p_outside(self, low: float, high: float) -> float:
        """Returns the p-value against "it lies in (low, high]": small if it is surely outside."""
        if not self.error:
            return float(low < self.value <= high)
        return min(1.0, 2 * min(self._below(low), self._above(high)))

    def _above(self, bound: float) -> float:
        """The one-sided p-value against "at most `bound`"."""
        return float(special.stdtr(self.freedom, (bound - self.value) / self.error))

    def _below(self, bound: float) -> float:
        """The one-sided p-value against "at least `bound`"."""
        return float(special.stdtr(self.freedom, (self.value - bound) / self.error))

    def seeds_to_decide(self, low: float, high: float, *, power: float, least: int, most: int) -> int | None:
        """Returns how many seeds a side decide with this power whether the value lies in (low, high], if it is true.

        None if that takes more than `most` seeds, or if the error is not known. No side loses seeds that it has.
        """
        distance = min(abs(self.value - low), abs(self.value - high))
        for seeds in range(least, most + 1):
            more = replace(self, sides=tuple(replace(side, seeds=max(side.seeds, seeds)) for side in self.sides))
            # Further seeds are tested on the same images, whose variance widens the interval but is not drawn again.
            of_seeds = math.sqrt(sum(variance for variance, _ in (side.term for side in more.sides)))
            if distance >= more.half_width + special.ndtri(power) * of_seeds:
                return seeds
        return None


def spread(accuracies: Sequence[float] | np.ndarray) -> Side:
    """Returns a side of accuracies, one for each seed, with their moderated variance."""
    count = len(accuracies)
    own = float(np.var(accuracies, ddof=1)) if count > 1 else 0.0
    if own > OWN_ABOVE**2:
        return Side(variance=own, seeds=count)
    moderated = (SPREAD_FREEDOM * SPREAD**2 + (count - 1) * own) / (SPREAD_FREEDOM + count - 1)
    return Side(variance=moderated, seeds=count, beside=SPREAD_FREEDOM)


def contrast(*sides: tuple[int, np.ndarray]) -> Estimate:
    """Returns the signed sum of accuracies; each side is a sign and whether each image was right `[S, N]`, by seed.

    The spread of the images' means has some of the seeds' in it, so that the error is a little too large.
    """
    of_images = np.sum([sign * right.mean(axis=0) for sign, right in sides], axis=0)
    images = len(of_images)
    return Estimate(
        value=float(of_images.mean()),
        sides=tuple(spread(right.mean(axis=1)) for _, right in sides),
        image_variance=float(of_images.var(ddof=1)) / images,
        images=images,
    )


def contrast_of_accuracies(*sides: tuple[int, np.ndarray], images: int) -> Estimate:
    """Returns the signed sum of accuracies `[S]` of which only the shares are known, as if each had other images."""
    means = [float(accuracies.mean()) for _, accuracies in sides]
    return Estimate(
        value=sum(sign * mean for (sign, _), mean in zip(sides, means, strict=True)),
        sides=tuple(spread(accuracies) for _, accuracies in sides),
        image_variance=sum(mean * (1 - mean) for mean in means) / (images - 1),
        images=images,
    )


def contrast_of_numbers(*sides: tuple[int, np.ndarray], least_variance: float = 0.0) -> Estimate:
    """Returns the signed sum of the means of numbers `[S]`, one for each seed; from a single seed without an error."""
    return Estimate(
        value=sum(sign * float(np.mean(values)) for sign, values in sides),
        sides=tuple(
            Side(
                variance=max(least_variance, float(np.var(values, ddof=1))) if len(values) > 1 else 0.0,
                seeds=len(values),
            )
            for _, values in sides
        ),
    )


def prediction(accuracies: Sequence[float] | np.ndarray, power: float) -> tuple[float, float, float]:
    """Returns between which accuracies one more seed lies with 95 % confidence, on the same test images.

    And the smallest shift, up or down, that would bring it out of there with this power.
    """
    side = spread(accuracies)
    error = math.sqrt(side.variance * (1 + 1 / side.seeds))
    half_width = quantile(side.term[1]) * error
    mean = float(np.mean(accuracies))
    return mean - half_width, mean + half_width, half_width + float(special.ndtri(power)) * error


def over_images(accuracy: float, images: int) -> Estimate:
    """Returns the accuracy of one trained model, for other test images."""
    return Estimate(value=accuracy, image_variance=accuracy * (1 - accuracy) / (images - 1), images=images)


def paired(differences: np.ndarray) -> Estimate:
    """Returns the mean of differences `[S, N]` between two results of the same seeds and test images."""
    seeds, images = differences.shape
    return Estimate(
        value=float(differences.mean()),
        sides=(Side(variance=float(differences.mean(axis=1).var(ddof=1)), seeds=seeds),) if seeds > 1 else (),
        image_variance=float(differences.mean(axis=0).var(ddof=1)) / images,
        images=images,
    )


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Returns the p-values adjusted for their number after Holm (1979), in the same order."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty_like(p)
    result[order] = np.minimum(adjusted, 1.0)
    return result
