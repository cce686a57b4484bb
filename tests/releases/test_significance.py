"""Size and power of the gates by simulation; docs/releases.md shows the figures."""

from functools import cache

import numpy as np
import pytest

from book_forecast.options.groups import PromoteOptions
from book_forecast.releases.gates import Comparison, Measures, judge
from book_forecast.releases.significance import p_by_titles, p_by_weeks, p_of_coverage

TITLES = (2, 4, 15, 100, 1000)
WEEKS = 32
GOOD = Measures(0.3, 0.4, {}, 0.0)


def errors(generator: np.random.Generator, titles: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors of two equally good forecasts of the same sales.

    Sales miss what is expected by a fifth in all weeks of a title, and by 30 % in single weeks,
    which depend on the week before. Both forecasts differ from what is expected, by 2 % in all
    weeks of a title and by 5 % in single weeks.
    """
    level = np.exp(generator.normal(3.0, 1.0, (titles, 1)))
    shocks = generator.normal(size=(titles, WEEKS))
    for week in range(1, WEEKS):
        shocks[:, week] = 0.5 * shocks[:, week - 1] + np.sqrt(0.75) * shocks[:, week]
    sales = level * np.exp(generator.normal(0.0, 0.2, (titles, 1)) + 0.3 * shocks)

    def forecast() -> np.ndarray:
        lasting = generator.normal(0.0, 0.02, (titles, 1))
        return level * np.exp(lasting + generator.normal(0.0, 0.05, sales.shape))

    return np.abs(sales - forecast()), np.abs(sales - forecast())


@cache
def share_promoted(titles: int, worse: float) -> float:
    """Share of candidates that pass the gate when each of their errors is larger by a share."""
    generator = np.random.default_rng(titles)
    passed = []
    for _ in range(200 if titles < 1000 else 50):
        ours, theirs = errors(generator, titles)
        beside = Comparison("old", ours * (1.0 + worse), theirs, GOOD, titles, titles)
        verdict = judge("new", GOOD, beside, PromoteOptions())
        passed.append(verdict.gates[0].status == "passed")
    return float(np.mean(passed))


@pytest.mark.parametrize("titles", TITLES)
def test_an_equal_candidate_passes_nine_times_in_ten(titles):
    assert share_promoted(titles, 0.0) >= 0.9


@pytest.mark.parametrize("titles", TITLES)
def test_a_candidate_a_fifth_worse_on_every_title_fails(titles):
    assert share_promoted(titles, 0.2) <= 0.02


@pytest.mark.parametrize(("titles", "most"), [(15, 0.2), (100, 0.01), (1000, 0.0)])
def test_with_more_titles_smaller_differences_are_found(titles, most):
    assert share_promoted(titles, 0.05) <= most


@cache
def share_too_narrow(titles: int, coverage: float) -> float:
    """Share of candidates found too narrow at the 80 % level; weeks of a title depend strongly."""
    generator = np.random.default_rng(titles)
    found = []
    for _ in range(400):
        shares = generator.beta(2.0 * coverage, 2.0 * (1.0 - coverage), titles)
        found.append(shares.mean() < 0.7 and p_of_coverage(shares, 0.7) < 0.1)
    return float(np.mean(found))


@pytest.mark.parametrize("titles", TITLES)
def test_intervals_with_their_nominal_coverage_pass_nine_times_in_ten(titles):
    assert share_too_narrow(titles, 0.8) <= 0.1
    assert share_too_narrow(titles, 0.7) <= 0.1


@pytest.mark.parametrize(("titles", "least"), [(15, 0.5), (100, 0.99), (1000, 1.0)])
def test_80_percent_intervals_that_hold_half_of_the_weeks_fail(titles, least):
    assert share_too_narrow(titles, 0.5) >= least


def test_errors_that_differ_by_the_same_in_all_weeks_leave_no_doubt():
    assert p_by_weeks(np.ones((1, 32))) == 0.0
    assert p_by_weeks(-np.ones((1, 32))) == 1.0


def test_too_few_titles_or_weeks_give_no_p_value():
    generator = np.random.default_rng(1)
    assert p_by_weeks(generator.normal(size=(9, 7))) is None
    assert p_by_titles(np.ones((9, 7)), np.ones((9, 7))) is None
    assert p_by_titles(np.full((5, 7), 2.0), np.ones((5, 7))) is None


@pytest.mark.parametrize("inside", range(1, 5))
def test_coverage_of_whole_draws_is_the_binomial_test(inside):
    from scipy.stats import binomtest

    shares = np.repeat([1.0, 0.0], [inside, 5 - inside])
    expected = binomtest(inside, 5, 0.7, alternative="less").pvalue
    assert p_of_coverage(shares, 0.7) == pytest.approx(expected)
