"""Fits reach the maximum of the likelihood, and say so where they cannot."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.sarima import Specification, fit, log_likelihood
from book_forecast.sarima.objective import to_arma, to_point
from tests.sarima.models import random_arma, simulate

RIVALS = ("statsmodels", "statsforecast")
REFERENCES = Path(__file__).parent / "reference_fits.jsonl"


def test_at_least_98_of_100_fits_are_as_good_as_the_better_of_two_rivals():
    """The rivals' fits were computed once, by benchmarks/reference_fits.py."""
    worse = []
    for line in REFERENCES.read_text().splitlines():
        pair = json.loads(line)
        specification = Specification(*pair["orders"], s=pair["s"], trend=pair["trend"])  # type: ignore[misc]
        found = fit(np.array(pair["values"]), specification).log_likelihood
        rivals = [pair[name].get("log_likelihood", -np.inf) for name in RIVALS]
        if found < max(rivals) - 0.01:
            worse.append((pair["name"], found, rivals))
    assert len(worse) <= 2, worse


@pytest.mark.parametrize(
    ("orders", "arma"),
    [
        ((1, 0, 0, 0, 0, 0), [0.7]),
        ((1, 0, 1, 1, 0, 0), [0.6, 0.4, 0.5]),
        ((0, 0, 1, 0, 0, 1), [-0.5, -0.4]),
    ],
)
def test_parameters_of_a_long_series_are_found_again_despite_gaps(orders, arma):
    specification = Specification(*orders, s=12)  # type: ignore[misc]
    values = simulate(3, np.array(arma), specification, n=3000)
    values[500:520] = np.nan
    values[::97] = np.nan
    found = fit(values, specification)
    assert found.arma == pytest.approx(arma, abs=0.06)
    assert found.sigma2 == pytest.approx(1.0, abs=0.08)


def test_the_reported_likelihood_is_the_likelihood_at_the_parameters():
    rng = np.random.default_rng(1)
    regressors = rng.normal(size=(150, 2))
    values = rng.normal(size=150).cumsum() + regressors @ [2.0, -1.0]
    values[40:46] = np.nan
    found = fit(values, Specification(2, 1, 1), regressors)
    assert found.log_likelihood == pytest.approx(
        log_likelihood(
            values, found.specification, found.arma, found.sigma2, regressors, found.coefficients
        ),
        rel=1e-9,
    )
    assert found.coefficients == pytest.approx([2.0, -1.0], abs=0.3)


def test_no_neighbour_of_the_maximum_is_higher():
    specification = Specification(1, 0, 1, 1, 0, 1, s=4, trend="c")
    values = simulate(5, np.array([0.5, 0.3, 0.4, -0.3]), specification, n=300) + 10
    found = fit(values, specification)
    for i in range(4):
        for step in (-1e-3, 1e-3):
            moved = found.arma.copy()
            moved[i] += step
            near = log_likelihood(
                values, specification, moved, found.sigma2, coefficients=found.coefficients
            )
            assert near <= found.log_likelihood + 1e-6


def test_a_fit_from_a_former_one_reaches_the_same_maximum_for_less():
    specification = Specification(1, 0, 0, 1, 0, 1, s=12, trend="c")
    values = simulate(7, np.array([0.5, 0.6, -0.3]), specification, n=400)
    former = fit(values[:380], specification)
    again = fit(values, specification, start=former.arma)
    whole = fit(values, specification)
    assert again.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-3)
    assert again.evaluations < whole.evaluations / 4


def test_fits_are_bit_for_bit_the_same():
    values = np.random.default_rng(2).normal(size=200).cumsum()
    specification = Specification(2, 1, 2, 1, 0, 1, s=12)
    first, second = fit(values, specification), fit(values, specification)
    assert np.array_equal(first.arma, second.arma)
    assert first.log_likelihood == second.log_likelihood


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full(60, 7.0), "does not vary"),
        (np.zeros(60), "does not vary"),
        (np.r_[np.arange(5.0), np.full(55, np.nan)], "needs at least"),
        (np.arange(5.0), "needs at least 5 weeks"),
    ],
)
def test_a_series_without_information_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        fit(values, Specification(1, 1, 1, 1, 0, 0, s=4))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize("kind", ["spike", "step", "counts", "half missing"])
def test_odd_series_give_finite_fits_without_warnings(kind, scale):
    rng = np.random.default_rng(0)
    values = {
        "spike": np.where(np.arange(120) == 60, 1.0, 0.0),
        "step": np.where(np.arange(120) > 70, 1.0, 0.0),
        "counts": rng.poisson(0.2, 120).astype(float),
        "half missing": np.where(rng.random(120) < 0.5, np.nan, rng.normal(size=120)),
    }[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit(scale * values, Specification(2, 0, 2, 1, 0, 1, s=12, trend="c"))
    assert np.isfinite([*found.arma, found.sigma2, found.log_likelihood]).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_coefficients_survive_the_way_to_the_unbounded_space(seed):
    specification = Specification(3, 0, 2, 2, 0, 3, s=4)
    arma = random_arma(np.random.default_rng(seed), specification, reach=0.9)
    orders = np.array(specification.arma_orders)
    assert to_arma(to_point(arma, orders), orders) == pytest.approx(arma, rel=1e-9, abs=1e-12)
