"""A run forecasts what it was asked for, and each row says whose forecast it is."""

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from book_forecast.options.groups import ForecastOptions, SelectionOptions
from book_forecast.payload.contents import Payload
from book_forecast.pipelines.forecast.nodes import choose_own, choose_release, forecast_titles
from book_forecast.releases.gates import Gate, Verdict
from book_forecast.storage.errors import UserError
from tests.releases import payloads

CHAMPION = payloads.release("ab" * 8, titles=5)
CANDIDATE = payloads.release("cd" * 8, titles=2)
ISBNS = [payloads.isbn(number) for number in range(6)]


def choose(
    champion: Payload = CHAMPION,
    failed: str | None = "titles",
    wanted: str = "champion",
    **asked: Any,
) -> Payload:
    gates = (Gate(name=failed, status="failed", reason="few"),) if failed else ()
    verdict = Verdict(
        release=CANDIDATE.release, champion=CHAMPION.release, promote=not failed, gates=gates
    )
    selection = SelectionOptions.model_validate(asked)
    return choose_own(champion, verdict.model_dump(mode="json"), CANDIDATE, selection, wanted)


@pytest.mark.parametrize("titles", ["top", "all"])
def test_a_refused_candidate_leaves_the_forecasts_to_the_champion(titles: str) -> None:
    assert choose(titles=titles) is CHAMPION


def test_named_titles_that_do_not_challenge_the_champion_are_the_candidates() -> None:
    assert choose(titles=ISBNS[:2]) is CANDIDATE


def test_named_titles_that_challenge_the_champion_in_vain_stay_its_own() -> None:
    assert choose(titles=ISBNS[:5], failed="champion") is CHAMPION


def test_titles_that_the_champion_lacks_are_the_candidates() -> None:
    assert choose(titles=ISBNS[:6], failed="champion") is CANDIDATE


def test_a_cutoff_before_the_champions_training_is_the_candidates(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    assert choose(cutoff_date=payloads.CUTOFF - dt.timedelta(days=1)) is CANDIDATE
    assert f"weeks up to {payloads.CUTOFF}" in caplog.text
    assert all(len(record.getMessage()) <= 140 for record in caplog.records)
    assert choose(cutoff_date=payloads.CUTOFF) is CHAMPION


def test_a_release_that_is_named_forecasts() -> None:
    assert choose(titles=ISBNS[:2], wanted=CHAMPION.release) is CHAMPION


def test_a_promoted_candidate_forecasts() -> None:
    assert choose(CANDIDATE, failed=None, titles="all") is CANDIDATE


def test_without_a_release_the_user_reads_what_to_run() -> None:
    with pytest.raises(UserError, match="no champion to forecast from"):
        choose_release(None, None)


def forecast(former: pd.DataFrame | None = None, **asked: Any) -> pd.DataFrame:
    selection = SelectionOptions.model_validate(asked)
    return forecast_titles(CHAMPION, former, ForecastOptions(horizon=4), selection)


def test_named_titles_alone_are_forecast_and_missing_ones_are_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = forecast(titles=[ISBNS[1], ISBNS[5]])
    assert set(found["isbn"]) == {ISBNS[1]}
    assert set(found["release"]) == {CHAMPION.release}
    assert f"lacks 1 of 2 named titles ({ISBNS[5]})" in caplog.text
    assert len(set(forecast()["isbn"])) == 5


def test_no_title_that_the_release_has_is_an_error() -> None:
    with pytest.raises(UserError, match=f"has none of the 1 titles .*{ISBNS[5]}"):
        forecast(titles=[ISBNS[5]])


def test_the_title_whose_forecast_changed_most_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    former = forecast()
    forecast(former)
    assert "No forecast has changed in the 4 weeks" in caplog.text
    other = former["isbn"] == ISBNS[3]
    forecast(former.assign(mean=former["mean"].where(~other, former["mean"] + 1000.0)))
    before = former.loc[other, "mean"].sum()
    line = next(r.getMessage() for r in caplog.records if "Changed most" in r.getMessage())
    assert f"The Book of 3 {ISBNS[3]}" in line
    assert f"{before:,.0f} copies in 4 weeks, {before + 4000.0:,.0f} before" in line
    assert len(line) <= 140
