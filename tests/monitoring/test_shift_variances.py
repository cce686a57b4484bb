"""How far windows deviate without a shift."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.monitoring.shift_variances import (
    Market,
    OwnVariance,
    Variance,
    independent_shares,
)

FIRST = pd.Timestamp("2024-01-06")


def test_the_variance_has_a_part_of_all_and_one_of_few_copies_in_spite_of_outliers():
    generator = np.random.default_rng(0)
    expected = np.exp(generator.uniform(2.0, 8.0, 4000))
    squares = (0.01 + 2.0 / expected) * generator.normal(size=4000) ** 2
    squares[::100] = 10.0
    found = Variance.of(expected, squares)
    assert found.constant == pytest.approx(0.01, rel=0.2)
    assert found.by_copies == pytest.approx(2.0, rel=0.2)


@pytest.mark.parametrize("factor", [0.5, 0.99, 1.01, 2.0])
def test_many_copies_stay_logarithms_and_few_become_square_roots(factor):
    ratio, expected = np.log(np.array([factor])), np.array([100.0])
    assert Variance(0.04, 1e-6).evened(ratio, expected) == pytest.approx(ratio, rel=1e-2)
    roots = 2.0 * (np.sqrt(factor) - 1.0)
    assert Variance(1e-6, 1.0).evened(ratio, expected) == pytest.approx(roots, rel=1e-2)


def test_poisson_counts_deviate_more_alike_to_both_sides_than_their_logarithms():
    logs = np.log((np.random.default_rng(1).poisson(30.0, 100_000) + 0.5) / 30.5)
    apart = Variance(1e-6, 1.0).evened(logs, np.full(len(logs), 30.5))
    sides = [np.abs(np.quantile(values, [0.01, 0.99])) for values in (logs, apart)]
    skewed, even = (low / high - 1.0 for low, high in sides)
    assert abs(even) < skewed / 2


def windows(titles: int, spread: float) -> OwnVariance:
    """Titles with 30 windows each, whose variances differ."""
    generator = np.random.default_rng(2)
    own = np.exp(spread * generator.normal(size=titles))
    squares = own[:, None] * generator.chisquare(1.0, size=(titles, 30))
    isbns = pd.Series(np.repeat([f"{n}" for n in range(titles)], 30))
    n = squares.size
    return OwnVariance.of(isbns, squares.ravel(), np.ones(n), np.stack([np.ones(n), np.zeros(n)]))


def test_the_more_alike_titles_are_the_less_their_own_windows_count():
    assert windows(200, 0.0).prior > 40.0 > 10.0 > windows(200, 1.0).prior


def test_with_few_titles_they_are_neither_alike_nor_unlike():
    assert 6.0 < windows(1, 0.0).prior < 12.0


@pytest.mark.parametrize("shared", [0.0, 0.1])
def test_what_titles_share_is_learnt_from_the_windows_of_each_cutoff(shared):
    generator = np.random.default_rng(3)
    common = shared * generator.normal(size=(40, 1))
    deviations = (common + 0.1 * generator.normal(size=(40, 60))).ravel()
    variance, cutoffs = np.full(2400, 0.01), np.repeat(np.arange(40), 60)
    market = Market.of(deviations, variance, cutoffs)
    assert np.sqrt(market.variance) == pytest.approx(shared, abs=0.02)
    rest, _ = market.removed(deviations, variance, cutoffs)
    assert rest.std() == pytest.approx(0.1, rel=0.05)


def test_a_title_or_two_are_no_market():
    deviations = np.full(4, 0.5)
    market = Market.of(deviations, np.full(4, 0.01), np.array([0, 0, 1, 1]))
    assert market.variance == 0.0


def test_windows_that_share_weeks_count_for_less():
    def shares(apart: int) -> np.ndarray:
        days = [FIRST + pd.Timedelta(weeks=apart * n) for n in range(50)]
        return independent_shares(pd.DataFrame({"cutoff": days}), 4)

    assert shares(4) == pytest.approx(1.0)
    # Half of the weeks in common correlates squares by a quarter, on either side.
    assert shares(2)[25] == pytest.approx(1 / 1.5)
