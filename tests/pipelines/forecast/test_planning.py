"""What planners ask beside a forecast, in the release."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest

from book_forecast.payload.contents import Payload
from book_forecast.pipelines.forecast.explanations import EXPLANATION_TYPES
from book_forecast.pipelines.forecast.planning import describe_titles
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import PROMOTION
from tests.releases import payloads

FIRST, SECOND = payloads.isbn(0), payloads.isbn(1)
WEEKS = pd.date_range("2024-07-06", periods=4, freq="7D")
NO_EXPLANATIONS = pd.DataFrame(columns=list(EXPLANATION_TYPES)).astype(EXPLANATION_TYPES)


@pytest.fixture
def release() -> Payload:
    return payloads.release(titles=2)


def explanations(isbn: str, factor: float) -> pd.DataFrame:
    """Two members and two parts of a title's forecast."""
    paths = {
        ("member", "sarima", 0.75): 30.0,
        ("member", "theta", 0.25): 50.0,
        ("part", "level", np.nan): 36.0,
        ("part", "season", np.nan): factor,
    }
    rows = [
        {"isbn": isbn, "week": week, "kind": kind, "name": name, "value": value, "weight": weight}
        for (kind, name, weight), value in paths.items()
        for week in WEEKS
    ]
    found = pd.DataFrame(rows)
    # The first member has 0.9 in the first week and 0.6 in the last one.
    moves = np.linspace(0.15, -0.15, len(WEEKS))
    for name, sign in (("sarima", 1.0), ("theta", -1.0)):
        found.loc[found["name"] == name, "weight"] += sign * moves
    return found.astype(EXPLANATION_TYPES)


def described(
    release: Payload, told: pd.DataFrame = NO_EXPLANATIONS, **tables: pd.DataFrame
) -> Payload:
    names = ("titles", "model_input", "covariates", "titles_left_out")
    return describe_titles(release, told, *(tables.get(name) for name in names))


def test_an_explanation_has_weights_and_factors_by_week(release):
    table = described(release, explanations(SECOND, 1.2)).planning["explanations"]
    first, second = table.to_pylist()
    assert first == dict.fromkeys(first)
    assert json.loads(second["members"]) == {"sarima": 0.75, "theta": 0.25}
    assert second["level"] == 36.0
    assert second["season"] == pytest.approx([1.2] * 4)
    assert second["holidays"] is None


def test_a_run_of_one_title_keeps_what_is_known_of_the_others(release):
    both = described(release, pd.concat([explanations(FIRST, 0.8), explanations(SECOND, 1.2)]))
    again = described(both, explanations(SECOND, 1.5)).planning["explanations"]
    assert [row[0] for row in again["season"].to_pylist()] == pytest.approx([0.8, 1.5])


def test_details_have_the_last_price_that_is_known(release):
    titles = pd.DataFrame(
        {
            "isbn": [FIRST, SECOND],
            "imprint": ["Penguin", None],
            "publisher_group": ["PRH", None],
            "publication_date": [dt.date(2024, 9, 5), None],
            "list_price": [9.99, 7.99],
        }
    )
    sales = pd.DataFrame({"isbn": FIRST, "week": WEEKS, "rrp": [10.0, 12.0, np.nan, np.nan]})
    details = described(release, titles=titles, model_input=sales).planning["details"].to_pylist()
    assert details[0] == {
        "imprint": "Penguin",
        "publisher_group": "PRH",
        "publication_date": dt.date(2024, 9, 5),
        "price": 12.0,
    }
    assert details[1] == {**dict.fromkeys(details[0]), "price": 7.99}


def test_promotions_are_past_and_planned_ones_and_a_dropped_plan_goes(release):
    rows = [(FIRST, 1, PROMOTION, 0.0), (FIRST, 0, PROMOTION, 0.2), (FIRST, 3, PROMOTION_PLAN, 0.3)]
    covariates = pd.DataFrame(
        [{"isbn": isbn, "week": WEEKS[at], "name": name, "value": v} for isbn, at, name, v in rows]
    )
    planned = described(release, covariates=covariates)
    first, second = planned.planning["promotions"].to_pylist()
    assert first["weeks"] == [WEEKS[0].date(), WEEKS[3].date()]
    assert first["depths"] == pytest.approx([0.2, 0.3])
    assert second["weeks"] is None
    dropped = described(planned, covariates=covariates.head(2)).planning["promotions"]
    assert dropped["weeks"].to_pylist()[0] == [WEEKS[0].date()]


def test_a_title_left_out_has_its_reason_unless_the_release_has_it(release):
    lacking = pd.DataFrame(
        {"isbn": ["9780000000002", FIRST], "title": ["Young", "x"], "reason": ["too short", "y"]}
    )
    assert described(release, titles_left_out=lacking).planning["left_out"].to_pylist() == [
        {"isbn": "9780000000002", "title": "Young", "reason": "too short"}
    ]


def test_the_release_stays_the_same_where_nothing_else_is_known(release):
    once = described(release)
    assert described(once) is once
