"""The rules of the retraining plan hold for any facts."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from book_forecast.monitoring.degradation import RATIO_TYPES
from book_forecast.options.retraining import RetrainOptions
from book_forecast.releases.retraining import (
    ALONE,
    FACT_TYPES,
    KEEP,
    MOST,
    NOT_SOLD,
    PLAN_TYPES,
    REFIT,
    REFUSED_FIT,
    REFUSED_TUNING,
    RETUNE,
    WAIT_TYPES,
    decide,
    is_whole,
    summarise,
    with_decision,
)

RULES = RetrainOptions()
USUAL = {
    "is_released": True,
    "is_sold": True,
    "can_tune": True,
    "is_tuned": True,
    "is_same_code": True,
    "age_days": 7.0,
    "tuning_age_days": 7.0,
    "corrected": 0.0,
    "is_same_plan": True,
    "has_folds": True,
    "trained_until": pd.Timestamp("2024-06-01"),
    "tuned_until": pd.Timestamp("2024-06-01"),
    "made_by": "today's",
    "covariates": '{"covariates": "x"}',
    "tuning_refused_days": np.nan,
    "fit_refused_days": np.nan,
    "is_refused_code": False,
    "corrected_refused": np.nan,
    "is_refused_plan": False,
    **dict.fromkeys(RATIO_TYPES, 0.1),
    "weeks": 10.0,
    "degradation": 0.0,
    "p_value": 0.5,
    "shifted": False,
}


def facts(*titles: dict) -> pd.DataFrame:
    rows = [{"isbn": f"{n:013d}", **USUAL, **title} for n, title in enumerate(titles)]
    return pd.DataFrame(rows).astype(FACT_TYPES | WAIT_TYPES | {"shifted": "bool"})


def plan(*titles: dict, rules: RetrainOptions = RULES, is_broken: bool = False) -> pd.DataFrame:
    return decide(facts(*titles), rules, is_broken=is_broken)


# Titles that nothing calls for: with them one title that is tuned anew is not most of them.
OTHERS: list[dict] = [{}] * 3


@pytest.mark.parametrize(
    ("title", "decision", "reason"),
    [
        ({}, KEEP, "nothing calls for it"),
        ({"age_days": 30.0}, REFIT, "age"),
        ({"age_days": 29.0}, KEEP, "nothing calls for it"),
        ({"tuning_age_days": 182.0}, RETUNE, "age of the tuning"),
        ({"degradation": 0.06, "p_value": 0.001}, RETUNE, "degradation"),
        ({"degradation": 0.06, "p_value": 0.2}, KEEP, "nothing calls for it"),
        ({"degradation": 0.04, "p_value": 0.001}, KEEP, "nothing calls for it"),
        ({"degradation": 0.9, "p_value": 0.001, "weeks": 7.0}, KEEP, "nothing calls for it"),
        ({"shifted": True}, REFIT, "drift"),
        ({"corrected": 0.02}, REFIT, "corrected weeks"),
        ({"is_same_plan": False}, REFIT, "changed promotions or covariates"),
        ({"is_same_code": False}, RETUNE, "changed code or options"),
        ({"is_released": False, "is_tuned": False}, RETUNE, "new title"),
        ({"is_released": False, "is_tuned": False, "can_tune": False}, REFIT, "new title"),
        ({"is_tuned": False}, RETUNE, "new title"),
        ({"can_tune": False, "is_tuned": False}, KEEP, "nothing calls for it"),
        ({"is_sold": False, "age_days": 90.0}, KEEP, NOT_SOLD),
        ({"age_days": 90.0, "shifted": True, "degradation": 0.5, "p_value": 0.0}, RETUNE, None),
    ],
)
def test_a_title_is_trained_again_for_a_reason(title, decision, reason):
    first = plan(title, *OTHERS).iloc[0]
    assert first["decision"] == decision
    assert reason is None or first["reason"] == reason


@pytest.mark.parametrize(
    ("title", "decision", "reason"),
    [
        ({"tuning_age_days": 182.0}, KEEP, REFUSED_TUNING),
        ({"degradation": 0.5, "p_value": 0.0}, KEEP, REFUSED_TUNING),
        ({"tuning_age_days": 182.0, "tuning_refused_days": 28.0}, RETUNE, "age of the tuning"),
        # Sales up to a week before it, as in a run with an earlier cutoff_date.
        ({"tuning_age_days": 182.0, "tuning_refused_days": -7.0}, RETUNE, "age of the tuning"),
        ({"tuning_age_days": 182.0, "age_days": 30.0}, REFIT, "age"),
        ({"tuning_age_days": 182.0, "is_same_code": False}, RETUNE, "changed code or options"),
        # The refused tuning had them.
        ({"is_same_code": False, "is_refused_code": True}, KEEP, REFUSED_TUNING),
        (
            {"is_same_code": False, "is_refused_code": True, "tuning_refused_days": 28.0},
            RETUNE,
            "changed code or options",
        ),
        ({"tuning_age_days": 182.0, "can_tune": False}, KEEP, REFUSED_TUNING),
        ({}, KEEP, "nothing calls for it"),
    ],
)
def test_a_title_waits_after_a_refused_tuning_unless_its_code_has_changed(title, decision, reason):
    found = plan({"tuning_refused_days": 27.0, **title}, *OTHERS)
    assert found[["decision", "reason"]].to_numpy().tolist()[0] == [decision, reason]
    assert summarise(found)["refused"] == (reason == REFUSED_TUNING)


@pytest.mark.parametrize(
    ("title", "decision", "reason"),
    [
        ({"age_days": 60.0}, KEEP, REFUSED_FIT),
        ({"shifted": True}, KEEP, REFUSED_FIT),
        ({"age_days": 60.0, "fit_refused_days": 28.0}, REFIT, "age"),
        ({"age_days": 60.0, "is_released": False, "is_tuned": False}, RETUNE, "new title"),
        # What the champion has learnt is wrong by now.
        ({"corrected": 0.02}, REFIT, "corrected weeks"),
        ({"is_same_plan": False}, REFIT, "changed promotions or covariates"),
        # The refused fit knew it.
        ({"corrected": 0.3, "corrected_refused": 0.3}, KEEP, REFUSED_FIT),
        ({"corrected": 0.3, "corrected_refused": 0.2}, REFIT, "corrected weeks"),
        ({"corrected": 0.2, "corrected_refused": 0.3}, REFIT, "corrected weeks"),
        ({"is_same_plan": False, "is_refused_plan": True}, KEEP, REFUSED_FIT),
        # A launch is fitted where others are tuned.
        ({"is_same_code": False, "is_refused_code": True, "can_tune": False}, KEEP, REFUSED_TUNING),
        (
            {"corrected": 0.3, "corrected_refused": 0.3, "fit_refused_days": 28.0},
            REFIT,
            "corrected weeks",
        ),
        ({"tuning_age_days": 182.0, "age_days": 60.0}, RETUNE, "age of the tuning"),
        ({"tuning_age_days": 182.0, "age_days": 60.0, "tuning_refused_days": 7.0}, KEEP, None),
        ({}, KEEP, "nothing calls for it"),
    ],
)
def test_a_title_waits_after_a_refused_fit_unless_its_data_or_code_have_changed(
    title, decision, reason
):
    found = plan({"fit_refused_days": 27.0, **title}, *OTHERS)
    first = found.iloc[0]
    assert first["decision"] == decision
    assert first["reason"] == (reason or REFUSED_TUNING)
    assert summarise(found)["refused"] == (first["reason"] in (REFUSED_FIT, REFUSED_TUNING))


def test_a_forced_title_does_not_wait():
    title = {"tuning_refused_days": 0.0, "fit_refused_days": 0.0}
    found = plan(title, rules=RetrainOptions(force="retune"))
    assert found["decision"].tolist() == [RETUNE]


def test_all_grounds_are_told_with_their_figures():
    title = {"age_days": 42.0, "corrected": 0.031, "degradation": 0.25, "p_value": 0.004}
    first = plan(title, *OTHERS).iloc[0]
    assert first["grounds"].split("; ") == [
        "degradation by 25% over 10 weeks, p = 0.0040",
        "corrected weeks: 3.1% of the copies",
        "age: 42 days",
    ]


def test_a_broken_delivery_trains_nothing_but_what_is_forced():
    rules = RetrainOptions(force="refit", force_titles=["9780722532935"])
    titles = facts({"age_days": 90.0}, {}, {})
    titles.loc[1, "isbn"] = "9780722532935"
    found = decide(titles, rules, is_broken=True).set_index("isbn")
    assert found["decision"].to_dict() == {
        "0000000000000": KEEP,
        "9780722532935": REFIT,
        "0000000000002": KEEP,
    }
    assert found.loc["0000000000000", "reason"] == "the delivery is broken: age waits"
    assert summarise(found.reset_index())["waiting"] == 1


def test_without_a_release_a_broken_delivery_is_trained_on():
    found = plan({"is_released": False, "is_tuned": False}, is_broken=True)
    assert found["decision"].tolist() == [RETUNE]


def test_where_most_titles_are_tuned_anew_all_are():
    worse = {"degradation": 0.5, "p_value": 0.0}
    few = plan(worse, *OTHERS)
    assert with_decision(few, RETUNE) == ["0000000000000"]
    assert not is_whole(few)
    most = plan(worse, worse, {}, {"can_tune": False, "is_tuned": False}, {"is_sold": False})
    assert most["decision"].tolist() == [RETUNE, RETUNE, RETUNE, REFIT, KEEP]
    assert most["reason"].tolist()[2:4] == [MOST, MOST]
    assert is_whole(most)


def test_a_title_is_not_tuned_beside_folds_of_other_families():
    worse = {"degradation": 0.5, "p_value": 0.0}
    found = plan(*({**title, "has_folds": False} for title in (worse, *OTHERS)))
    assert found["decision"].tolist() == [RETUNE] * 4
    assert found["reason"].tolist() == ["degradation", ALONE, ALONE, ALONE]


def test_development_always_retrains():
    always = RetrainOptions(max_age_days=0, max_tuning_age_days=0)
    found = plan({"age_days": 0.0, "tuning_age_days": 0.0}, {"age_days": 0.0}, rules=always)
    assert found["decision"].tolist() == [RETUNE, RETUNE]
    assert is_whole(found)


titles_of_any_kind = st.lists(
    st.fixed_dictionaries(
        {
            **dict.fromkeys(
                [
                    *("is_released", "is_sold", "can_tune", "is_tuned", "is_same_code"),
                    *("is_same_plan", "shifted", "has_folds", "is_refused_code", "is_refused_plan"),
                ],
                st.booleans(),
            ),
            "age_days": st.one_of(st.just(np.nan), st.integers(0, 300).map(float)),
            "tuning_age_days": st.one_of(st.just(np.nan), st.integers(0, 300).map(float)),
            "corrected": st.one_of(st.just(np.nan), st.floats(0, 1)),
            "corrected_refused": st.one_of(st.just(np.nan), st.floats(0, 1)),
            "degradation": st.one_of(st.just(np.nan), st.floats(-1, 5)),
            "p_value": st.one_of(st.just(np.nan), st.floats(0, 1)),
            "tuning_refused_days": st.one_of(st.just(np.nan), st.integers(-7, 60).map(float)),
            "fit_refused_days": st.one_of(st.just(np.nan), st.integers(-7, 60).map(float)),
            "weeks": st.one_of(st.just(np.nan), st.integers(1, 13).map(float)),
        }
    ),
    min_size=1,
    max_size=12,
)


@given(titles_of_any_kind, st.booleans(), st.sampled_from(["none", "refit", "retune"]))
def test_every_plan_is_in_order(titles, is_broken, force):
    given_facts = facts(*titles)
    found = decide(given_facts, RetrainOptions(force=force), is_broken=is_broken)
    assert found.dtypes.astype(str).to_dict().keys() == PLAN_TYPES.keys()
    assert found["isbn"].tolist() == sorted(given_facts["isbn"])
    assert found["reason"].str.len().min() > 0
    trained = found[found["decision"] != KEEP]
    # Nothing is trained that has no weeks, nothing tuned that tune cannot see.
    assert trained["is_sold"].all()
    assert trained.loc[trained["decision"] == RETUNE, "can_tune"].all()
    assert (trained["grounds"].ne("") | trained["reason"].isin([MOST, ALONE])).all()
    if force != "none":
        assert (found.loc[found["is_sold"], "decision"] != KEEP).all()
    elif is_broken and given_facts["is_released"].any():
        assert trained.empty
    again = decide(
        given_facts.iloc[::-1].reset_index(drop=True),
        RetrainOptions(force=force),
        is_broken=is_broken,
    )
    pd.testing.assert_frame_equal(found, again)


@given(titles_of_any_kind, st.integers(0, 60), st.integers(0, 60))
def test_a_stricter_age_trains_no_fewer_titles(titles, age, more):
    order = {KEEP: 0, REFIT: 1, RETUNE: 2}
    strict, lax = (
        decide(facts(*titles), RetrainOptions(max_age_days=days), is_broken=False)["decision"]
        for days in (age, age + more)
    )
    assert (strict.map(order) >= lax.map(order)).all()
