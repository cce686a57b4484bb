"""A title's own mean counts more where titles differ, and less where its observations do."""

import numpy as np
import pytest

from book_forecast.forecasters.empirical_bayes import observations_of_half_weight

LIMITS = (0.5, 50.0)


def of_simulated(between: float, within: float, n: int = 4_000, each: int = 5) -> float:
    rng = np.random.default_rng(1)
    own = rng.normal(0.0, between, n)[:, None] + rng.normal(0.0, within, (n, each))
    means = own.mean(axis=1)
    variance = float(own.var(axis=1, ddof=1).mean())
    return observations_of_half_weight(means, np.full(n, float(each)), variance, LIMITS)


@pytest.mark.parametrize(("between", "within"), [(1.0, 2.0), (0.5, 1.5), (1.0, 1.0)])
def test_it_is_the_ratio_of_the_variances(between, within):
    assert of_simulated(between, within) == pytest.approx((within / between) ** 2, rel=0.1)


def test_titles_that_are_all_alike_have_the_most_and_exact_ones_the_fewest():
    assert of_simulated(0.0, 1.0) == LIMITS[1]
    assert observations_of_half_weight(np.ones(9), np.ones(9), 0.0, LIMITS) == LIMITS[0]
