"""Shards divide the titles among runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.options.groups import BacktestOptions, Shard
from book_forecast.options.run import with_runtime


@given(items=st.lists(st.integers(), max_size=60), count=st.integers(1, 70))
def test_shards_partition_the_items_in_order_with_sizes_at_most_one_apart(items, count):
    slices = [Shard(index=k, count=count).take(items) for k in range(1, count + 1)]
    assert [item for part in slices for item in part] == items
    sizes = [len(part) for part in slices]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("index", "count"), [(0, 1), (2, 1), (-1, 3), (1, 0)])
def test_a_shard_outside_its_count_is_refused(index, count):
    with pytest.raises(ValueError, match=r"index|count"):
        Shard(index=index, count=count)


def test_a_shard_is_named_so_that_names_sort_in_order():
    assert Shard(index=3, count=16).name == "0003-of-0016"


@pytest.mark.parametrize(
    ("configured", "runtime", "titles"),
    [
        ({"titles": "all"}, {"selection": {"titles": "top"}}, "top"),
        ({"selection": {"titles": "all"}}, {"titles": "top"}, "top"),
        ({"titles": "all"}, {}, "all"),
    ],
)
def test_the_command_line_wins_however_a_parameter_is_named(configured, runtime, titles):
    merged = {**configured, **runtime}
    assert with_runtime(merged, runtime)["selection"]["titles"] == titles


def test_small_catalogues_learn_weights_from_more_origins_over_the_same_weeks():
    options = BacktestOptions()
    scored = options.origins.within(500)
    counts = []
    for n_titles in (2, 200, 400, 5000):
        found = options.origins_of_weights(n_titles).within(500)
        assert set(scored) <= set(found)
        assert (min(found), max(found)) == (min(scored), max(scored))
        counts.append(len(found))
    assert counts[0] == counts[1] > counts[2] > counts[3] >= len(scored)


def test_the_number_of_overlapping_origins_may_be_chosen():
    options = BacktestOptions(overlap=1)
    assert options.origins_of_weights(2) == options.origins
    assert BacktestOptions(overlap=3).origins_of_weights(10**6).overlap == 3
