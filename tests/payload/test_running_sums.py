"""Running sums of a title's weeks, beside the sums of the same weeks."""

from dataclasses import replace

import numpy as np
import pytest

from book_forecast.payload.running_sums import running_sums, running_sums_of
from book_forecast.payload.sums import SumReader
from tests.releases import payloads

ISBN = payloads.isbn(1)
PROBABILITIES = [0.1, 0.9, 0.025, 0.975]


@pytest.fixture(scope="module")
def reader() -> SumReader:
    return SumReader(payloads.release())


@pytest.mark.parametrize("slow", [False, True])
def test_each_running_sum_is_the_sum_of_its_weeks(slow):
    payload = payloads.release()
    if slow:
        # Part of its weeks are drawn in whole copies.
        share = np.where(np.arange(104) < 6, 0.02, 1.0).astype(np.float32)
        payload = replace(payload, mean=payload.mean * share, quantiles=payload.quantiles * share)
    reader = SumReader(payload)
    found = running_sums(reader, ISBN, 20, PROBABILITIES)
    for n_weeks in (1, 2, 7, 20):
        alone = reader.sum_of([ISBN], reader.next_weeks(n_weeks, ISBN), PROBABILITIES)
        assert found.mean[n_weeks - 1] == pytest.approx(alone.mean, rel=1e-6)
        assert found.expected[n_weeks - 1] == pytest.approx(alone.expected, rel=1e-6)
        np.testing.assert_allclose(found.quantiles[:, n_weeks - 1], alone.quantiles, rtol=1e-6)


def test_the_interval_of_a_sum_is_narrower_than_the_sum_of_the_intervals(reader):
    found = running_sums(reader, ISBN, 26, [0.1, 0.9])
    _, quantiles = reader.weeks_of(ISBN, 26)
    weekly = np.ptp(quantiles[[5, 11]], axis=0).cumsum()
    assert (np.ptp(found.quantiles, axis=0)[3:] < weekly[3:]).all()
    assert (np.diff(found.quantiles, axis=1) >= 0.0).all()


def test_some_spans_are_those_of_all(reader):
    every = running_sums(reader, ISBN, 13, [0.1, 0.9])
    some = running_sums(reader, ISBN, 13, [0.1, 0.9], [1, 4, 13])
    np.testing.assert_array_equal(some.mean, every.mean[[0, 3, 12]])
    np.testing.assert_array_equal(some.quantiles, every.quantiles[:, [0, 3, 12]])


def test_other_distributions_take_the_place_of_the_release_s(reader):
    mean, quantiles = reader.weeks_of(ISBN, 13)
    plain = running_sums(reader, ISBN, 13, [0.1, 0.9])
    doubled = running_sums_of(reader, ISBN, 2.0 * mean, 2.0 * quantiles, [0.1, 0.9])
    np.testing.assert_allclose(doubled.mean, 2.0 * plain.mean)
    np.testing.assert_allclose(doubled.quantiles, 2.0 * plain.quantiles)


def test_out_of_bounds_names_the_bounds(reader):
    with pytest.raises(ValueError, match="1 to 104"):
        running_sums(reader, ISBN, 105, [0.5])
    with pytest.raises(ValueError, match=r"0\.005 to 0\.995"):
        running_sums(reader, ISBN, 4, [0.999])
