"""A refreshed release has the champion's other titles bit for bit."""

import json
import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from book_forecast.monitoring.degradation import RATIO_TYPES, error_ratios, weekly_errors
from book_forecast.monitoring.errors import known_weeks
from book_forecast.options.groups import BacktestOptions
from book_forecast.payload.contents import SCHEMAS, Payload
from book_forecast.pipelines.train.fits import RELEASED_ANEW
from book_forecast.pipelines.train.nodes import recall_champion
from book_forecast.pipelines.train.release import (
    assemble_planned,
    assemble_release,
    describe_training,
)
from book_forecast.releases.assembly import RolledTitle, rolled, tables_of, with_scores
from book_forecast.releases.models import model_of
from book_forecast.releases.refreshing import REFRESH
from book_forecast.releases.training_notes import (
    NOTES,
    facts_of,
    identify_training,
    noted_errors,
    notes_of,
)
from book_forecast.series.covariates import PROMOTION_PLAN
from tests.histories import MODELS, fit, release_of, specifications_of, volumes, weeks_frame

ISBNS = ["9780241003008", "9780722532935", "9786703444075", "9786709016955"]
LATER = weeks_frame({isbn: volumes(n, 112) for n, isbn in enumerate(ISBNS)})
TRAINED = LATER["week"] <= LATER["week"].max() - pd.Timedelta(weeks=2)
WEEKS = LATER[TRAINED & LATER["isbn"].isin(ISBNS[:3])].reset_index(drop=True)
TITLES = pd.DataFrame({"isbn": ISBNS, "title": list("ABCD")})
BACKTEST = BacktestOptions()
MADE_BY = identify_training(MODELS, BACKTEST)
# Forecasts at a rolling origin each four weeks, some copies too high or too low.
FOLDS = pd.concat(
    [
        LATER.loc[LATER["week"].between(origin, origin + pd.Timedelta(weeks=8), "right")].assign(
            cutoff=origin, mean=lambda rows: rows["volume"] + 1.0 + np.arange(len(rows)) % 5
        )
        for origin in LATER["week"].unique()[60:100:4]
    ],
    ignore_index=True,
)


@pytest.fixture(scope="module")
def champion() -> Payload:
    payload = release_of(WEEKS, specifications_of(ISBNS[:3]), TITLES)
    return replace(payload, manifest=payload.manifest | {NOTES: MADE_BY})


def decided(plan: dict[str, str]) -> pd.DataFrame:
    """A plan of all titles from the decisions that are not to keep one."""
    table = pd.DataFrame({"isbn": ISBNS, "is_sold": True, "can_tune": True})
    return table.assign(decision=table["isbn"].map(plan).fillna("keep"))


def refreshed(
    champion: Payload,
    plan: dict[str, str],
    covariates: pd.DataFrame | None = None,
    former: dict | None = None,
    weeks: pd.DataFrame = LATER,
) -> Payload:
    """The release after a plan: decisions by ISBN, and the notes of refitted titles' tuning."""
    table = decided(plan)
    again = weeks[weeks["isbn"].isin(plan)]
    planned = specifications_of([*plan]).assign(start=None)
    text = json.dumps(former or {})
    planned["tuning"] = [text if plan[i] == "refit" else None for i in planned["isbn"]]
    models = fit(again, planned, RELEASED_ANEW).frame
    notes = describe_training({}, weeks, covariates, FOLDS, MODELS, BACKTEST)
    return assemble_planned(models, weeks, TITLES, planned, {}, champion, table, notes)


def row_of(payload: Payload, isbn: str) -> dict:
    at = payload.titles["isbn"].to_pylist().index(isbn)
    tables = {
        kind: table
        for kind, table in tables_of(payload).items()
        if kind not in ("specifications", "left_out")
    }
    own = {kind: table.slice(at, 1).to_pylist() for kind, table in tables.items()}
    assert payload.specifications is not None
    texts = {row["isbn"]: row["specification"] for row in payload.specifications.to_pylist()}
    return own | {"specifications": texts.get(isbn)}


def test_kept_titles_have_the_champions_entries_bit_for_bit(champion):
    newer = RolledTitle(
        isbn=ISBNS[1],
        state=json.dumps(model_of(champion, 1).to_state()),
        known=110,
        volumes=np.array([5.0, 7.0]),
        distribution=np.full((18, 104), 3.25, dtype=np.float32),
    )
    champion = rolled(champion, [newer])
    found = refreshed(champion, {ISBNS[0]: "refit", ISBNS[3]: "retune"})
    for isbn in ISBNS[1:3]:
        assert row_of(found, isbn) == row_of(champion, isbn)
    assert found.mean[1].tobytes() == champion.mean[1].tobytes()
    assert found.quantiles[1].tobytes() == champion.quantiles[1].tobytes()
    assert row_of(found, ISBNS[0]) != row_of(champion, ISBNS[0])
    assert found.manifest[REFRESH] == {
        "of": champion.release,
        "kept": 2,
        "refitted": 1,
        "retuned": 1,
    }
    ends = dict(zip(ISBNS, found.titles["trained_until"].to_pylist(), strict=True))
    assert ends[ISBNS[0]] == ends[ISBNS[3]] > ends[ISBNS[2]]


def test_a_plan_without_a_fit_is_the_champion_itself(champion):
    none = LATER.head(0)
    plan = pd.DataFrame({"isbn": ISBNS, "decision": "keep", "is_sold": True, "can_tune": True})
    models = fit(none, specifications_of(ISBNS[:0]), RELEASED_ANEW).frame
    notes = describe_training({}, LATER, None, FOLDS, MODELS, BACKTEST)
    found = assemble_planned(
        models, LATER, TITLES, specifications_of(ISBNS[:0]), {}, champion, plan, notes
    )
    assert found is champion


def test_a_whole_plan_makes_the_release_that_a_whole_run_makes(champion):
    plan = pd.DataFrame({"isbn": ISBNS, "decision": "retune", "is_sold": True, "can_tune": True})
    specifications = specifications_of(ISBNS)
    models = fit(LATER, specifications, RELEASED_ANEW).frame
    notes = describe_training({}, LATER, None, FOLDS, MODELS, BACKTEST)
    whole = assemble_release(models, LATER, TITLES, specifications, {}, champion, MODELS, notes)
    planned = specifications.assign(start=None, tuning=None)
    found = assemble_planned(models, LATER, TITLES, planned, {}, champion, plan, notes)
    assert found.manifest["fingerprint"] == whole.manifest["fingerprint"]
    assert REFRESH not in found.manifest
    again = assemble_planned(models, LATER, TITLES, planned, {}, whole, plan, notes)
    assert again is whole


def test_the_same_plan_twice_has_the_same_fingerprint(champion):
    first, second = (refreshed(champion, {ISBNS[0]: "refit"}) for _ in range(2))
    assert first.manifest["fingerprint"] == second.manifest["fingerprint"]
    other = refreshed(champion, {ISBNS[1]: "refit"})
    assert other.manifest["fingerprint"] != first.manifest["fingerprint"]


def test_titles_that_are_trained_once_more_on_the_same_data_make_no_new_release(champion, caplog):
    """Their fits start from those of the release, so that they are hardly other ones."""
    plan, former = {ISBNS[0]: "refit"}, {"tuned": "2023-01-07"}
    first = refreshed(champion, plan, former=former)
    with caplog.at_level(logging.INFO):
        assert refreshed(first, plan, former=former) is first
    assert f"is the champion {first.release} again" in caplog.text
    assert refreshed(first, {ISBNS[0]: "retune"}).release != first.release
    assert refreshed(first, {ISBNS[1]: "refit"}, former=former).release != first.release
    fewer = LATER[LATER["week"] < LATER["week"].max()]
    assert refreshed(first, plan, former=former, weeks=fewer).release != first.release


def test_kept_titles_of_other_code_are_still_to_be_tuned_anew(champion):
    former = {"options": "former", "code": "former"}
    older = replace(champion, manifest=champion.manifest | {NOTES: former})
    assert refreshed(older, {ISBNS[3]: "retune"}).manifest[NOTES] == former


def test_a_release_notes_what_the_next_plan_asks_for(champion):
    found = refreshed(champion, {ISBNS[0]: "refit", ISBNS[3]: "retune"})
    last = f"{LATER['week'].max():%Y-%m-%d}"
    assert notes_of(found)[ISBNS[3]]["tuned"] == last
    assert found.manifest[NOTES] == MADE_BY
    facts = facts_of(found, LATER, LATER, None, identify_training(MODELS, BACKTEST))
    by_title = facts.set_index("isbn")
    assert by_title["age_days"].to_dict() == {ISBNS[0]: 0, ISBNS[1]: 14, ISBNS[2]: 14, ISBNS[3]: 0}
    assert by_title["is_same_code"].all()
    assert by_title["corrected"].tolist() == [0.0] * 4
    assert by_title["is_same_plan"].all()
    other = facts_of(found, LATER, LATER, None, {"options": "x", "code": "y"})
    assert not other["is_same_code"].any()


def test_a_refit_has_the_scores_and_the_notes_of_its_tuning(champion):
    schema = SCHEMAS["scores"]
    values = {
        field.name: pa.array([1.0, 2.0, 3.0] if pa.types.is_floating(field.type) else [None] * 3)
        for field in schema
    }
    rows = pa.table(values).cast(schema).add_column(0, "isbn", [ISBNS[:3]])
    scored = with_scores(champion, rows, {})
    assert scored.scores is not None
    former = scored.scores.to_pylist()
    noted = {"tuned": "2023-07-01", "errors": {"log_ratio": 0.25}}
    found = refreshed(scored, {ISBNS[0]: "refit", ISBNS[1]: "retune"}, former=noted)
    nothing = dict.fromkeys(schema.names)
    assert found.scores is not None
    assert found.scores.to_pylist() == [former[0], nothing, former[2]]
    refitted, retuned = (notes_of(found)[isbn] for isbn in ISBNS[:2])
    assert {name: refitted[name] for name in noted} == noted
    assert retuned["tuned"] == f"{LATER['week'].max():%Y-%m-%d}"
    assert retuned["errors"] == noted_errors(FOLDS, LATER)[ISBNS[1]]


def test_a_refit_of_a_tuning_without_notes_takes_none_of_this_run(champion):
    """Its errors at the rolling origins are those of another specification."""
    found = notes_of(refreshed(champion, {ISBNS[0]: "refit"}))[ISBNS[0]]
    assert "covariates" in found
    assert not {"tuned", "errors"} & set(found)


def test_the_errors_of_a_tuning_are_facts_of_the_next_plan(champion):
    found = refreshed(champion, {ISBNS[3]: "retune"})
    facts = facts_of(found, LATER, LATER, None, {}).set_index("isbn")
    ratios = error_ratios(weekly_errors(FOLDS, known_weeks(LATER))).loc[ISBNS[3]]
    assert facts.loc[ISBNS[3], list(RATIO_TYPES)].to_numpy() == pytest.approx(
        ratios.to_numpy(), rel=1e-5
    )
    assert facts.loc[ISBNS[3], "tuned_until"] == LATER["week"].max()
    # The champion is of a version that noted none.
    assert facts.loc[ISBNS[:3], list(RATIO_TYPES)].isna().all(axis=None)


@pytest.mark.parametrize(
    ("weeks", "name", "is_same"),
    [(-1, "campaign", False), (1, "campaign", True), (2, "plan", False), (9, "plan", True)],
)
def test_other_covariates_of_the_training_or_weeks_of_its_plan_are_changes(
    champion, weeks, name, is_same
):
    """Covariates of later weeks are new, and so are weeks beyond those planned."""
    end = LATER["week"].max()
    names = {"campaign": "campaign", "plan": PROMOTION_PLAN}

    def row(week: int, kind: str, value: float) -> dict:
        day = end + pd.Timedelta(weeks=week)
        return {"isbn": ISBNS[0], "week": day, "name": names[kind], "value": value}

    rows = [row(-1, "campaign", 1.0), row(2, "plan", 0.2), row(4, "plan", 0.2)]
    found = refreshed(champion, {ISBNS[0]: "refit"}, pd.DataFrame(rows))
    others = [known for known in rows if known != row(weeks, name, known["value"])]
    changed = pd.DataFrame([*others, row(weeks, name, 0.5)])
    for covariates, same in ((pd.DataFrame(rows), True), (changed, is_same)):
        facts = facts_of(found, LATER, LATER, covariates, {}).set_index("isbn")
        assert facts.loc[ISBNS[0], "is_same_plan"] == same
        assert facts.loc[ISBNS[1], "is_same_plan"]


def test_the_champion_is_fitted_beside_titles_that_are_tuned_anew_alone(champion):
    plan = decided({ISBNS[0]: "refit", ISBNS[1]: "retune", ISBNS[3]: "retune"})
    assert recall_champion(champion, plan)[0]["isbn"].tolist() == [ISBNS[1]]
    assert recall_champion(champion, decided({ISBNS[0]: "refit"}))[0].empty
    assert recall_champion(champion)[0]["isbn"].tolist() == ISBNS[:3]


def test_corrected_weeks_count_by_their_copies(champion):
    changed = LATER.copy()
    mine = changed.index[changed["isbn"] == ISBNS[0]]
    before = WEEKS.loc[WEEKS["isbn"] == ISBNS[0], "volume"].sum()
    changed.loc[mine[10], "volume"] += 0.02 * before
    facts = facts_of(champion, changed, changed, None, {}).set_index("isbn")
    assert facts.loc[ISBNS[0], "corrected"] == pytest.approx(0.02)
    assert facts.loc[ISBNS[1], "corrected"] == 0.0
    assert not facts.loc[ISBNS[3], "is_released"]
