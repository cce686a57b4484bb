"""Stock over the coming weeks, against a count week by week."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.decisions.stock import follow_stock


@given(st.integers(0, 200), st.integers(0, 10_000))
def test_stock_is_what_a_count_week_by_week_finds(on_hand, seed):
    generator = np.random.default_rng(seed)
    demand = generator.poisson(8.0, (12, 5)).astype(float)
    arrivals = np.where(generator.random(12) < 0.2, 40.0, 0.0)
    path = follow_stock(on_hand, arrivals, demand)
    stock, is_out = np.full(5, float(on_hand)), np.zeros(5, dtype=bool)
    for week in range(12):
        stock = stock + arrivals[week] - demand[week]
        is_out |= stock < 0
        stock = np.maximum(stock, 0.0)
        np.testing.assert_allclose(path.left[week], stock)
        assert path.run_out[week] == is_out.mean()
