"""Champion and challenger on the same weeks."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.monitoring import arms
from book_forecast.monitoring.arms import SERVED, WEEKS, Pair, compare_weeks, score_served, weigh
from tests.memory import traced_peaks

FIRST = pd.Timestamp("2024-01-06")


def day(week: int) -> pd.Timestamp:
    return FIRST + pd.Timedelta(weeks=week)


def frame(values: dict[str, list[float]], first: int, column: str = "mean") -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"isbn": isbn, "week": day(first + at), column: value}
            for isbn, row in values.items()
            for at, value in enumerate(row)
        ]
    )


def known(values: dict[str, list[float]]) -> pd.DataFrame:
    return frame(values, 1, "volume")


def test_a_weeks_difference_is_the_share_of_what_both_differ_by():
    pair = Pair(day(0), frame({"a": [10], "b": [20]}, 1), frame({"a": [14], "b": [18]}, 1))
    found = compare_weeks([pair], known({"a": [13], "b": [25]})).iloc[0]
    # Of a, the champion is off by 3 and the challenger by 1; of b by 5 and 7.
    assert (found["champion_error"], found["challenger_error"]) == (8.0, 8.0)
    assert found["difference"] == 0.0
    assert found["scale"] == pytest.approx(np.sqrt(16 + 4) / 6)
    assert (found["titles"], found["weeks"], found["sold"]) == (2, 1, 38.0)


def test_each_week_counts_once_from_the_last_cutoff_before_it():
    ours = [
        Pair(day(n), frame({"a": [5, 5, 5]}, n + 1), frame({"a": [7, 8, 9]}, n + 1))
        for n in (0, 1, 4)
    ]
    found = compare_weeks(ours, known({"a": [6.0] * 6}))
    assert found["week"].tolist() == [day(1), day(4), day(6)]
    assert found["weeks"].tolist() == [1, 3, 2]
    assert found["weeks"].sum() == 6


def test_titles_of_one_arm_and_weeks_without_sales_are_left_out():
    pair = Pair(day(0), frame({"a": [5], "b": [5]}, 1), frame({"a": [7], "c": [7]}, 1))
    assert compare_weeks([pair], known({"a": [6.0], "b": [6.0]}))["titles"].tolist() == [1]
    assert compare_weeks([pair], known({"b": [6.0]})).empty
    assert compare_weeks([], known({"b": [6.0]})).empty


def test_differences_are_bounded_whatever_was_sold():
    generator = np.random.default_rng(1)
    for _ in range(50):
        ours, theirs, sold = (generator.pareto(0.5, 6) for _ in range(3))
        rows = [{str(n): [float(v)] for n, v in enumerate(values)} for values in (ours, theirs)]
        pair = Pair(day(0), frame(rows[0], 1), frame(rows[1], 1))
        sales = known({str(n): [float(v)] for n, v in enumerate(sold)})
        assert abs(compare_weeks([pair], sales)["difference"].iloc[0]) <= 1.0 + 1e-12


def test_weeks_in_which_both_forecast_the_same_say_nothing():
    same = {"a": [5.0]}
    pairs = [Pair(day(n), frame(same, n + 1), frame(same, n + 1)) for n in range(10)]
    table, found = weigh(compare_weeks(pairs, known({"a": [9.0] * 12})), 0.05)
    assert found.verdict == "go on"
    assert table["evidence_win"].tolist() == [1.0] * 10
    assert list(table.columns) == list(WEEKS)


def test_a_challenger_that_is_right_every_week_wins():
    pairs = [Pair(day(n), frame({"a": [5]}, n + 1), frame({"a": [9]}, n + 1)) for n in range(10)]
    table, found = weigh(compare_weeks(pairs, known({"a": [9.0] * 12})), 0.05)
    assert found.verdict == "win"
    assert (table["evidence_win"].diff().dropna() > 0).all()
    swapped = [Pair(p.cutoff, p.challenger, p.champion) for p in pairs]
    assert weigh(compare_weeks(swapped, known({"a": [9.0] * 12})), 0.05)[1].verdict == "lose"


def test_served_forecasts_are_counted_by_answer_and_scored_once_each():
    row = {"isbn": "a", "release": "r", "arm": "challenger"}
    answer = pd.DataFrame([{**row, "week": day(n), "ahead": n, "mean": 10.0} for n in (1, 2)])
    other = answer.assign(arm="champion", release="s", isbn="b", mean=4.0)
    found = score_served([answer, answer, other], known({"a": [8.0], "b": [5.0]}))
    assert list(found.columns) == list(SERVED)
    by_arm = found.set_index("arm")
    assert found.query("arm == 'challenger'")[["titles", "answers", "n"]].to_numpy().tolist() == [
        [1, 2, 1]
    ]
    assert by_arm.loc["challenger", "wape"] == pytest.approx(0.25)
    assert by_arm.loc["champion", "bias"] == pytest.approx(-0.2)
    assert score_served([], known({"a": [8.0]})).empty
    later = score_served([answer], known({"z": [8.0]}))
    assert later["n"].tolist() == [0]
    assert later["wape"].isna().all()


def answer_often(times):
    arms._HELD_ROWS = 20_000
    n = 5_000
    answer = pd.DataFrame({"isbn": [f"{at:013d}" for at in range(n)], "week": day(1), "ahead": 1})
    answer = answer.assign(mean=np.arange(n, dtype=float), arm="champion", release="r")
    found = score_served((answer.copy() for _ in range(times)), known({f"{5:013d}": [8.0]}))
    assert found[["titles", "answers", "n"]].to_numpy().tolist() == [[n, times * n, 1]]


def test_answers_that_repeat_take_the_memory_of_one():
    (peak,) = traced_peaks(answer_often, 200)
    assert peak < 10_000_000  # the numbers of 200 tables alone are 16 MB
