"""Estimates, intervals and p-values: against SciPy's where it has the same test, and in simulated studies."""

import math

import numpy as np
import pytest
from scipy import stats

from fashion.records.statistics import Estimate, holm, over_seeds, over_seeds_and_images


def test_over_seeds_is_the_one_sample_t_test():
    values = [0.91, 0.905, 0.918, 0.912]
    estimate = over_seeds(values)
    theirs = stats.ttest_1samp(values, 0.9)
    assert estimate.interval() == pytest.approx(theirs.confidence_interval(0.95))
    assert estimate.p_outside(-math.inf, 0.9) == pytest.approx(theirs.pvalue)
    assert over_seeds([3.0]).interval() == pytest.approx((math.nan, math.nan), nan_ok=True)


def test_with_one_seed_only_the_images_vary():
    correct = np.random.default_rng(0).random((1, 10_000)) < 0.9
    estimate = over_seeds_and_images(correct.astype(float))
    theirs = stats.ttest_1samp(correct[0], 0.9)
    assert estimate.interval() == pytest.approx(theirs.confidence_interval(0.95))
    assert (estimate.seeds, estimate.images) == (1, 10_000)


def test_with_seeds_that_agree_on_every_image_only_the_images_vary():
    one = (np.random.default_rng(0).random((1, 1000)) < 0.9).astype(float)
    assert over_seeds_and_images(one.repeat(3, axis=0)).interval() == pytest.approx(
        over_seeds_and_images(one).interval()
    )


@pytest.mark.parametrize(
    ("seed_spread", "least"), [(0.0, 0.94), (0.01, 0.94), (0.06, 0.91)], ids=["images alone", "both", "mostly seeds"]
)
def test_the_interval_covers_the_truth_as_often_as_it_says(seed_spread, least):
    generator = np.random.default_rng(1)
    covered, studies, seeds, images = 0, 1000, 3, 1000
    for _ in range(studies):
        difficulty = generator.normal(0, 0.05, images)
        of_seeds = generator.normal(0, seed_spread, (seeds, 1))
        correct = generator.random((seeds, images)) < 0.85 + difficulty + of_seeds
        low, high = over_seeds_and_images(correct.astype(float)).interval()
        covered += low <= 0.85 <= high
    assert least < covered / studies < 0.99


def test_a_paired_difference_is_surer_than_two_accuracies():
    generator = np.random.default_rng(2)
    a = generator.random((3, 5000)) < 0.9
    b = np.where(generator.random(a.shape) < 0.02, ~a, a)  # the same predictions but for one in fifty
    difference = over_seeds_and_images(a.astype(float) - b)
    alone = over_seeds_and_images(a.astype(float))
    assert difference.error < 0.7 * alone.error


def test_p_values_agree_with_the_interval():
    estimate = over_seeds([1.0, 1.2, 1.1])
    low, high = estimate.interval()
    assert estimate.p_inside(low - 1e-6, high + 1e-6) < 0.05 < estimate.p_inside(low + 1e-6, high + 1e-6)
    assert estimate.p_outside(high + 1e-6, math.inf) < 0.05 < estimate.p_outside(high - 1e-6, math.inf)
    assert estimate.p_outside(-math.inf, low - 1e-6) < 0.05 < estimate.p_outside(-math.inf, low + 1e-6)


def test_what_is_counted_is_certain_on_either_side_of_a_bound():
    counted = Estimate(value=2)
    assert (counted.p_inside(1, 2), counted.p_outside(1, 2)) == (0, 1)  # (low, high]
    assert (counted.p_inside(2, 3), counted.p_outside(2, 3)) == (1, 0)


def test_holm_is_step_down_bonferroni():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1, 1])
