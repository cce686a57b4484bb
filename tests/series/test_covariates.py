"""Histories get what is known beside their sales, and nothing of weeks that are not known yet."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.options.models import RegressorOptions
from book_forecast.series.covariates import with_covariates
from book_forecast.series.history import MODEL_HORIZON, Covariates, History
from tests.histories import CUTOFF

FIRST, SECOND = "9780000000019", "9780000000026"
N = 60
AS_DECLARED = RegressorOptions()


def title(n: int = N, isbn: str = FIRST, weeks_ago: int = 0) -> History:
    return History(isbn, np.ones(n), CUTOFF - 7 * weeks_ago)


def table(*rows: tuple[str, int, str, float]) -> pd.DataFrame:
    """Rows of isbn, week, name, value; weeks are counted from the cutoff, which is week 0."""
    frame = pd.DataFrame(rows, columns=["isbn", "week", "name", "value"])
    frame["week"] = CUTOFF + 7 * frame["week"].to_numpy(dtype="timedelta64[D]")
    types: dict[Any, Any] = {"isbn": "str", "week": "datetime64[us]", "name": "str"}
    return frame.astype(types | {"value": "float64"})


def attached(
    *rows: tuple[str, int, str, float], history: History | None = None, **options: Any
) -> Covariates:
    [found] = with_covariates([history or title()], table(*rows), RegressorOptions(**options))
    assert found.covariates is not None
    return found.covariates


def column(regressors: Covariates, name: str) -> np.ndarray:
    place = regressors.names.index(name)
    return regressors.before(N)[:, place]


def ahead(regressors: Covariates, name: str, origin: int, horizon: int) -> list[float]:
    values = regressors.after(origin, horizon)[:, regressors.names.index(name)]
    return [float(value) for value in values]


def test_without_rows_no_week_has_a_promotion():
    regressors = attached()
    assert regressors.names == ("promotion",)
    assert not regressors.before(N).any()
    assert not regressors.after(N, 8).any()


def test_promotions_lie_on_their_weeks_and_on_no_others():
    regressors = attached(
        (FIRST, -10, "promotion", 0.2), (FIRST, 0, "promotion", 0.1), (SECOND, -5, "promotion", 0.3)
    )
    expected = np.zeros(N)
    expected[[N - 11, N - 1]] = 0.2, 0.1
    assert np.array_equal(column(regressors, "promotion"), expected)


def test_weeks_ahead_have_what_is_planned():
    regressors = attached((FIRST, 0, "promotion", 0.1), (FIRST, 3, "promotion_plan", 0.4))
    assert ahead(regressors, "promotion", N, 5) == [0, 0, 0.4, 0, 0]


def test_the_plan_of_all_titles_ends_with_its_last_week():
    rows = ((FIRST, -1, "promotion", 0.1), (FIRST, 1, "promotion_plan", 0.4))
    assert attached(*rows).plan(N).tolist() == [0.4]
    others = attached(*rows, (SECOND, 3, "promotion_plan", 0.0))
    assert others.plan(N).tolist() == [0.4, 0, 0]
    assert others.plan(N - 2).tolist() == [0.1, 0, 0.4, 0, 0]


def test_without_a_plan_promotions_ahead_are_unknown():
    assert not len(attached((FIRST, -1, "promotion", 0.1)).plan(N))
    assert not len(attached((FIRST, 0, "promotion_plan", 0.1)).plan(N))


def test_promotions_that_nobody_planned_are_unknown_at_earlier_origins():
    rows = ((FIRST, -2, "promotion", 0.2), (FIRST, 1, "promotion_plan", 0.4))
    regressors = attached(*rows)
    assert ahead(regressors, "promotion", N - 5, 5) == [0] * 5
    assert column(regressors, "promotion")[N - 3] == 0.2
    assert regressors.before(N - 2)[-1, 0] == 0.2


def test_promotions_that_are_usually_planned_are_known_at_earlier_origins():
    regressors = attached((FIRST, -2, "promotion", 0.2), promotions_known=True)
    assert ahead(regressors, "promotion", N - 5, 5) == [0, 0, 0.2, 0, 0]


@pytest.mark.parametrize("known", [False, True])
def test_test_weeks_have_promotions_only_if_those_count_as_planned(known):
    training = title(N - 8, weeks_ago=8)
    rows = ((FIRST, -6, "promotion", 0.2), (FIRST, 2, "promotion_plan", 0.4))
    regressors = attached(*rows, history=training, promotions_known=known)
    expected = [0.0, 0.2 * known, *[0.0] * 7, 0.4]
    assert ahead(regressors, "promotion", N - 8, 10) == expected


def test_an_earlier_part_of_a_history_knows_no_more_than_it_did():
    [history] = with_covariates([title()], table((FIRST, -2, "promotion", 0.2)), AS_DECLARED)
    earlier = history.until(N - 5)
    assert earlier.covariates is not None
    assert not earlier.covariates.after(earlier.n_weeks, 5).any()


def test_a_value_holds_until_the_next_and_is_0_before_the_first():
    regressors = attached(("all", -50, "cpi", 100), ("all", -40, "cpi", 101))
    assert column(regressors, "cpi").tolist() == [0] * 9 + [100] * 10 + [101] * 41


def test_a_value_from_before_the_first_sale_holds_at_it():
    regressors = attached(("all", -200, "cpi", 100), (FIRST, -300, "ads", 3))
    assert (column(regressors, "cpi") == 100).all()
    assert (column(regressors, "ads") == 3).all()


def test_a_titles_own_row_stands_in_its_week_before_that_of_all_titles():
    rows = [("all", week, "ads", 1.0) for week in range(-N, 1)]
    regressors = attached(*rows, (FIRST, -3, "ads", 5.0), (SECOND, -2, "ads", 7.0))
    assert column(regressors, "ads")[-5:].tolist() == [1, 5, 1, 1, 1]


@pytest.mark.parametrize(
    ("future", "expected"),
    [
        ("known", [7, 7, 9, 9, 9, 9]),
        ("zero", [0] * 6),
        ("last", [7] * 6),
        ("seasonal", [2, 3, 4, 4, 4, 4]),
    ],
)
def test_the_weeks_ahead_of_a_further_regressor_are_as_declared(future, expected):
    year_ago = [(FIRST, -51 + week, "ads", 2.0 + week) for week in range(3)]
    rows = (*year_ago, (FIRST, 0, "ads", 7.0), (FIRST, 3, "ads", 9.0))
    for options in ({"futures": {"ads": future}}, {"future": future}):
        regressors = attached(*rows, **options)
        assert ahead(regressors, "ads", N, 6) == expected


@pytest.mark.parametrize("future", ["known", "zero", "last", "seasonal"])
def test_weeks_that_come_in_later_go_on_as_was_foreseen(future):
    year_ago = [(FIRST, -51 + week, "ads", 2.0 + week) for week in range(3)]
    rows = (*year_ago, (FIRST, 3, "ads", 9.0), (FIRST, 2, "promotion_plan", 0.4))
    regressors = attached(*rows, future=future)
    foreseen = regressors.after(N, 12)
    assert np.array_equal(regressors.before(N + 8)[N:], foreseen[:8])
    later = regressors.after(N + 8, 4)
    assert np.array_equal(later, foreseen[8:])


def test_all_titles_have_the_same_names_in_the_same_order():
    rows = (("all", -5, "cpi", 1), (SECOND, -5, "ads", 1), (SECOND, -4, "promotion", 0.1))
    histories = [title(40, SECOND), title(50), title(30, FIRST, weeks_ago=4)]
    found = with_covariates(histories, table(*rows), AS_DECLARED)
    assert [history.isbn for history in found] == [SECOND, FIRST, FIRST]
    assert {h.covariates.names for h in found if h.covariates} == {("promotion", "ads", "cpi")}
    assert [len(h.covariates.values) for h in found if h.covariates] == [40, 50, 30]


def test_no_histories_get_no_regressors():
    assert with_covariates([], table(("all", -5, "cpi", 1)), AS_DECLARED) == []


def random_table(rng: np.random.Generator, first: int, last: int) -> pd.DataFrame:
    """Rows of two titles, all, strangers, and every name, in any order."""
    keys = {
        (
            str(rng.choice([FIRST, SECOND, "all", "9780000000033"])),
            int(rng.integers(first, last + 1)),
            str(rng.choice(["promotion", "promotion_plan", "ads", "cpi"])),
        )
        for _ in range(40)
    }
    rows = [(*key, float(rng.normal())) for key in sorted(keys)]
    past = [row for row in rows if row[0] != "all" or not row[2].startswith("promotion")]
    past = [row for row in past if (row[1] > 0) == (row[2] == "promotion_plan") or row[2][0] != "p"]
    return table(*past).sample(frac=1, random_state=int(rng.integers(1000)))


def one_by_one(frame: pd.DataFrame, history: History, name: str) -> list[float]:
    """What each week of a history has, looked up the slow way."""
    found = []
    rows = frame[frame["name"] == name]
    for week in history.cutoff - 7 * np.arange(history.n_weeks)[::-1]:
        if name == "promotion":
            now = rows[(rows["isbn"] == history.isbn) & (rows["week"] == week)]
        else:
            now = rows[rows["isbn"].isin([history.isbn, "all"]) & (rows["week"] <= week)]
            now = now.sort_values(["week", "isbn"], ascending=[True, False])
        found.append(float(now["value"].iloc[-1]) if len(now) else 0.0)
    return found


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["known", "zero", "last", "seasonal"]))
def test_lookups_of_many_titles_are_those_of_each_week_alone(seed: int, future: Any):
    rng = np.random.default_rng(seed)
    frame = random_table(rng, -70, 20)
    histories = [title(int(rng.integers(1, 70)), isbn) for isbn in (FIRST, SECOND)]
    for history in with_covariates(histories, frame, RegressorOptions(future=future)):
        assert history.covariates is not None
        for place, name in enumerate(history.covariates.names):
            known = history.covariates.before(history.n_weeks)[:, place]
            assert known.tolist() == one_by_one(frame, history, name)


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["zero", "last", "seasonal"]),
    st.integers(0, 60),
)
def test_what_happens_after_an_origin_changes_nothing_that_is_foreseen_there(
    seed: int, future: Any, back: int
):
    rng = np.random.default_rng(seed)
    frame = random_table(rng, -70, 0)
    exchanged = frame.assign(
        value=frame["value"].where(frame["week"] <= CUTOFF - 7 * np.timedelta64(back, "D"), 9.0)
    )
    options = RegressorOptions(future=future)
    origin = 70 - back
    foreseen = []
    for rows in (frame, exchanged):
        [whole] = with_covariates([title(70)], rows, options)
        [cut] = with_covariates([title(origin, weeks_ago=back)], rows, options)
        assert whole.covariates is not None
        assert cut.covariates is not None
        assert np.array_equal(cut.covariates.before(origin), whole.covariates.before(origin))
        foreseen += [whole.covariates.after(origin, 40), cut.covariates.after(origin, 40)]
    assert all(np.array_equal(foreseen[0], other) for other in foreseen[1:])


def test_nothing_is_kept_that_no_forecast_asks_for():
    regressors = attached((FIRST, 300, "promotion_plan", 0.2))
    assert len(regressors.values) == N + MODEL_HORIZON
