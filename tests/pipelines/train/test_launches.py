"""Titles that tune has not seen are fitted as launches, and no others."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.launches.prior import LaunchPrior
from book_forecast.pipelines.train.fits import COMPARED, RELEASED, SCORED
from book_forecast.pipelines.train.launches import describe_launches
from tests.histories import fit, specifications_of, volumes, weeks_frame

SEEN = [f"97800000000{n:02}" for n in range(3)]
PAST = [f"97811111111{n:02}" for n in range(14)]
NEW, TO_COME = "9782222222222", "9783333333333"
TITLES = pd.DataFrame({"isbn": [*SEEN, *PAST, NEW, TO_COME], "product_class": "F"}).astype("str")
LAUNCHES = pd.DataFrame(
    {
        "isbn": [TO_COME],
        "publication_date": [pd.Timestamp("2024-02-01")],
        "comparable": [PAST[0]],
        "print_run": [5000.0],
    }
)


def launch(n: int, weeks: int = 60) -> np.ndarray:
    rng = np.random.default_rng(n)
    mean = np.exp(rng.normal(4.0, 0.5)) * np.exp(-0.4 * np.log1p(np.arange(60))) + 2.0
    return rng.poisson(mean)[:weeks].astype(float)


WEEKS = weeks_frame(
    {isbn: volumes(n, 120) for n, isbn in enumerate(SEEN)}
    | {NEW: launch(99, 2), TO_COME: np.array([np.nan])}
).assign(rrp=8.99)
LAUNCH_WEEKS = weeks_frame({isbn: launch(n) for n, isbn in enumerate(PAST)}).assign(rrp=8.99)
CUTOFF = WEEKS["week"].max()


def specified(fits=RELEASED, chosen=None):
    chosen = specifications_of(SEEN) if chosen is None else chosen
    return fits.specify_launches(WEEKS, LAUNCH_WEEKS, TITLES, LAUNCHES, chosen)


def test_titles_without_a_specification_are_launches():
    found = specified().set_index("isbn")["launch"]
    assert found[SEEN].isna().all()
    assert json.loads(str(found[NEW]))["publication"] is None
    # 1 February 2024 is a Thursday.
    assert json.loads(str(found[TO_COME]))["publication"] == "2024-02-03"


def test_what_the_table_of_launches_says_is_known_of_a_title():
    totals = {isbn: launch(n).sum() for n, isbn in enumerate(PAST)}
    weak, strong = min(totals, key=totals.__getitem__), max(totals, key=totals.__getitem__)

    def prior(comparable):
        table = LAUNCHES.assign(comparable=comparable)
        found = RELEASED.specify_launches(
            WEEKS, LAUNCH_WEEKS, TITLES, table, specifications_of(SEEN)
        )
        return json.loads(str(found.set_index("isbn")["launch"][TO_COME]))["prior"]

    assert prior(weak)["print_run"] == 5000.0
    assert prior(strong)["level"] > prior(weak)["level"] + 0.3


def test_a_launch_of_the_panel_is_no_evidence_for_itself():
    lonely = weeks_frame({PAST[0]: 50.0 * launch(0, 3)}).assign(rrp=8.99)
    rest = LAUNCH_WEEKS[LAUNCH_WEEKS["isbn"] != PAST[0]]
    with_it, without = (
        RELEASED.specify_launches(
            pd.concat([WEEKS, lonely]), launches, TITLES, LAUNCHES, specifications_of(SEEN)
        )
        for launches in (pd.concat([rest, lonely]), rest)
    )
    curves = [
        json.loads(str(found.set_index("isbn")["launch"][PAST[0]]))["prior"]["curve"][0]
        for found in (with_it, without)
    ]
    assert curves[0] == pytest.approx(curves[1], abs=0.15)


@pytest.mark.parametrize("fits", [RELEASED, SCORED])
def test_they_are_fitted_as_launches_without_a_fallback(fits):
    found = fit(WEEKS, specified(fits), fits).frame.set_index("isbn")
    assert found["model"].to_dict() == dict.fromkeys(SEEN, "sarima") | {
        NEW: "launch",
        TO_COME: "launch",
    }
    assert found["fallback_reason"].isna().all()
    states = {isbn: json.loads(str(found.loc[isbn, "state"])) for isbn in (NEW, TO_COME)}
    to_come = Launch.from_state(states[TO_COME]).forecast(8, (80,))
    ahead = int((pd.Timestamp("2024-02-03") - CUTOFF) / pd.Timedelta(weeks=1))
    assert (to_come.upper[80][: ahead - 1] == 0).all()
    assert to_come.mean[ahead - 1] > 1
    usual = launch(99, 10)[2:]
    new = Launch.from_state(states[NEW]).forecast(8, (95,))
    assert ((usual >= new.lower[95]) & (usual <= new.upper[95])).mean() > 0.8


def test_a_champion_gets_no_titles_that_it_does_not_have():
    assert specified(COMPARED)["isbn"].tolist() == SEEN


@pytest.mark.parametrize(("folds", "is_launch"), [(0, True), (1, False)])
def test_a_title_with_few_weeks_and_no_fold_is_a_launch(folds: int, is_launch: bool):
    chosen = specifications_of([*SEEN, NEW])
    chosen = chosen.assign(n_folds=folds, weights='{"naive": 1.0}')
    found = specified(chosen=chosen).set_index("isbn")["launch"]
    assert pd.notna(found[NEW]) == is_launch
    # A longer history is one that other families learn from.
    assert found[SEEN].isna().all()


def test_without_launches_nothing_is_learned():
    weeks = WEEKS[WEEKS["isbn"].isin(SEEN)]
    nothing = LAUNCH_WEEKS.iloc[:0]
    found = RELEASED.specify_launches(weeks, nothing, TITLES, LAUNCHES, specifications_of(SEEN))
    assert found["launch"].isna().all()


def test_a_title_to_come_is_a_launch_without_any_sale_beside_it():
    weeks, nothing = WEEKS[WEEKS["isbn"] == TO_COME], LAUNCH_WEEKS.iloc[:0]
    none = specifications_of(SEEN).iloc[:0]
    found = RELEASED.specify_launches(weeks, nothing, TITLES, LAUNCHES, none)
    [row] = fit(weeks, found, RELEASED).frame.to_dict("records")
    assert row["model"] == "launch"
    assert pd.isna(row["fallback_reason"])
    described = describe_launches(weeks, nothing, TITLES, LAUNCHES)
    priors = json.loads(json.dumps(described, allow_nan=False))
    assert LaunchPrior.from_state(priors[""]).ceiling == np.inf


def test_weeks_after_the_last_one_to_fit_are_not_used():
    later = LAUNCH_WEEKS.assign(week=LAUNCH_WEEKS["week"] + pd.Timedelta(weeks=30))
    known = later[later["week"] <= CUTOFF]
    found, expected = (
        RELEASED.specify_launches(WEEKS, weeks, TITLES, LAUNCHES, specifications_of(SEEN))
        for weeks in (later, known)
    )
    pd.testing.assert_frame_equal(found, expected)
