"""Candidate and champion are compared on the test weeks, as specifications."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from book_forecast.options.groups import PromoteOptions
from book_forecast.payload.contents import SCHEMAS, Payload
from book_forecast.pipelines.evaluate.promotion import (
    add_scores,
    judge_candidate,
    require_promotion,
)
from book_forecast.releases.gates import PromotionRefusedError, Verdict
from book_forecast.releases.refreshing import REFRESH
from book_forecast.storage.errors import UserError
from tests.releases import payloads

WEEKS = pd.date_range(payloads.CUTOFF, periods=32, freq="7D").to_series()
CUTOFF = WEEKS.iloc[0] - pd.Timedelta(weeks=1)


SPECIFIED = pa.table({"isbn": ["9780000000002"], "specification": ["{}"]})


def isbns(titles: int) -> list[str]:
    return [payloads.isbn(n) for n in range(titles)]


def forecasts(names: list[str], model: str, error: float, seed: int = 1) -> pd.DataFrame:
    """Forecasts of sales of 100 copies that are too high or too low by a share."""
    generator = np.random.default_rng(seed)
    frames = []
    for isbn in names:
        mean = 100.0 * (1.0 + error * generator.choice([-1.0, 1.0], len(WEEKS)))
        frame = pd.DataFrame({"isbn": isbn, "week": WEEKS.to_numpy(), "cutoff": CUTOFF})
        frames.append(
            frame.assign(model=model, mean=mean, **{"lo-80": mean * 0.7, "hi-80": mean * 1.35})
        )
    columns = ["isbn", "week", "cutoff", "model", "mean", "lo-80", "hi-80"]
    return pd.concat([pd.DataFrame(columns=columns), *frames]) if not frames else pd.concat(frames)


def release(titles: int, number: int, **columns: list) -> Payload:
    payload = payloads.release(f"{number:08x}", titles=titles)
    made = payload.titles.to_pydict() | {"fallback_reason": [None] * titles} | columns
    table = pa.table(made, schema=SCHEMAS["titles"])
    return Payload(**{**vars(payload), "titles": table})


def left_out(**rows: tuple[bool, bool]) -> pd.DataFrame:
    """Titles left out: whether alive, and whether a last sale is known."""
    return pd.DataFrame(
        {
            "isbn": pd.Series([payloads.isbn(int(name[1:])) for name in rows], dtype="str"),
            "alive": pd.Series([alive for alive, _ in rows.values()], dtype=bool),
            "last_sale": pd.Series(
                [CUTOFF if sold else pd.NaT for _, sold in rows.values()], dtype="datetime64[ns]"
            ),
        }
    )


def judged(
    candidate: Payload,
    champion: Payload | None,
    *,
    ours: float = 0.2,
    theirs: float = 0.2,
    absent: pd.DataFrame | None = None,
    compared: list[str] | None = None,
    scored: list[str] | None = None,
    fallbacks: int = 0,
    actuals: pd.DataFrame | None = None,
    **options: object,
) -> Verdict:
    names = candidate.titles["isbn"].to_pylist() if scored is None else scored
    known = isbns(len(champion) if champion else 0) if scored is None else scored
    known = known if compared is None else compared
    reasons = ["too short"] * fallbacks + [None] * (len(names) - fallbacks)
    models = pd.DataFrame({"isbn": names, "model": "sarima", "fallback_reason": reasons})
    sales = pd.concat(
        [pd.DataFrame({"isbn": isbn, "week": WEEKS.to_numpy(), "volume": 100.0}) for isbn in names]
    )
    test = [
        forecasts(names, "sarima", ours),
        forecasts(names, "seasonal_naive", 0.3),
        # Other families stand beside the chosen one, and do not count.
        forecasts(names, "ets", 5.0),
    ]
    verdict = judge_candidate(
        candidate,
        champion,
        pd.concat(test),
        forecasts(known, champion.release if champion else "", theirs, seed=2),
        models,
        sales if actuals is None else actuals,
        left_out() if absent is None else absent,
        PromoteOptions.model_validate(options),
    )
    assert json.loads(json.dumps(verdict)) == verdict
    return Verdict.model_validate(verdict)


def reason(verdict: Verdict, name: str) -> str:
    return next(gate.reason for gate in verdict.gates if gate.name == name)


def test_without_a_champion_the_first_release_is_promoted_whatever_its_gates_say():
    verdict = judged(release(3, 1), None, ours=0.4)
    assert verdict.promote
    assert verdict.champion is None
    assert [gate.name for gate in verdict.failed] == ["seasonal naive"]


@pytest.mark.parametrize("titles", [2, 4, 15, 100])
def test_a_worse_candidate_is_not_promoted_and_a_better_one_is(titles):
    candidate, champion = release(titles, 2), release(titles, 1)
    worse = judged(candidate, champion, ours=0.24, theirs=0.2)
    assert worse.why == "failed champion"
    text = f"WAPE 1.200 times the champion's over {titles} titles and 32 weeks"
    assert reason(worse, "champion").startswith(text)
    assert judged(candidate, champion, ours=0.18, theirs=0.2).promote
    assert judged(candidate, champion).promote


def test_one_of_two_titles_does_not_replace_a_champion_of_two():
    verdict = judged(release(1, 2), release(2, 1), absent=left_out(n1=(True, True)))
    assert verdict.why == "failed titles"
    assert reason(verdict, "titles").startswith("1 of the champion's 2 living titles compared")


def test_titles_that_a_refresh_has_from_the_champion_count_as_compared():
    candidate, champion, anew = release(20, 2), release(20, 1), isbns(4)
    assert [gate.name for gate in judged(candidate, champion, scored=anew).failed] == ["titles"]
    kept = Payload(**{**vars(candidate), "manifest": {**candidate.manifest, REFRESH: {}}})
    assert judged(kept, champion, scored=anew).promote
    assert judged(kept, champion, scored=anew, ours=0.24).why == "failed champion"
    # Their fallbacks count, too: 6 of 20 titles.
    reasons = [None] * 14 + ["too short"] * 6
    fallen = Payload(**{**vars(kept), "titles": release(20, 2, fallback_reason=reasons).titles})
    verdict = judged(fallen, champion, scored=anew)
    assert reason(verdict, "fallbacks").startswith("0.300 of the titles")


def test_a_title_that_the_export_lacks_counts_against_promotion():
    verdict = judged(release(1, 2), release(2, 1))
    assert verdict.why == "failed titles"


def test_a_title_that_has_died_out_does_not_count():
    verdict = judged(release(3, 2), release(4, 1), absent=left_out(n3=(False, True)))
    assert verdict.promote
    assert reason(verdict, "titles").startswith("3 of the champion's 3 living titles compared")


def test_launches_of_both_releases_do_not_count():
    models = ["sarima", "sarima", "launch", "launch"]
    verdict = judged(release(4, 2, model=models), release(4, 1, model=models), scored=isbns(2))
    assert verdict.promote
    assert reason(verdict, "titles").startswith("2 of the champion's 2 living titles compared")


def test_a_launch_that_the_candidate_lacks_counts_against_promotion():
    models = ["sarima", "sarima", "launch"]
    verdict = judged(release(2, 2), release(3, 1, model=models), scored=isbns(2))
    assert verdict.why == "failed titles"
    assert reason(verdict, "titles").startswith("2 of the champion's 3 living titles compared")


def test_a_dead_title_that_has_left_the_export_does_not_count():
    models = ["sarima", "sarima", "zero"]
    verdict = judged(release(2, 2), release(3, 1, model=models), compared=isbns(2))
    assert verdict.promote
    # Unless it sells again.
    verdict = judged(release(2, 2), release(3, 1, model=models), absent=left_out(n2=(True, True)))
    assert verdict.why == "failed titles"


def test_a_title_that_was_named_but_never_sold_is_not_taken_for_dead():
    verdict = judged(release(1, 2), release(2, 1), absent=left_out(n1=(False, False)))
    assert verdict.why == "failed titles"


def test_a_forecast_that_is_missing_counts_against_promotion():
    verdict = judged(release(4, 2), release(4, 1), compared=isbns(3))
    assert verdict.why == "failed titles"
    assert reason(verdict, "titles").startswith("3 of the champion's 4")


def test_a_champion_without_a_title_in_common_is_not_replaced():
    theirs = release(3, 1)
    verdict = judged(release(3, 2), replace(theirs, specifications=SPECIFIED), compared=[])
    assert verdict.why == "failed titles"
    assert reason(verdict, "champion") == "there is no title in common"
    assert reason(verdict, "titles").startswith("0 of the champion's 3")


def test_a_champion_without_forecasts_names_the_command_that_decides():
    verdict = judged(release(3, 2), release(3, 1), compared=[])
    assert verdict.why == "failed champion"
    assert "`kedro release promote` decides" in reason(verdict, "champion")


def test_weeks_without_a_known_volume_do_not_count():
    weeks = WEEKS.to_numpy()
    sales = pd.DataFrame({"isbn": payloads.isbn(0), "week": weeks, "volume": 100.0})
    sales.loc[:3, "volume"] = np.nan
    verdict = judged(release(1, 2), release(1, 1), ours=0.24, actuals=sales)
    assert "over 1 titles and 28 weeks" in reason(verdict, "champion")


def test_fallbacks_of_either_fit_count():
    candidate = release(10, 2, fallback_reason=["died"] + [None] * 9)
    verdict = judged(candidate, release(10, 1), fallbacks=3)
    assert verdict.why == "failed fallbacks"
    assert reason(verdict, "fallbacks") == "0.300 of the titles, at most 0.200"
    # The champion's as many excuse it.
    theirs = release(10, 1, fallback_reason=["died"] * 3 + [None] * 7)
    assert judged(candidate, theirs, fallbacks=3).promote


def test_the_champion_again_is_champion_already():
    champion = release(3, 1)
    verdict = judged(champion, champion, ours=0.9)
    assert verdict.promote
    assert verdict.why == "is champion already"


def test_a_champion_that_came_after_the_comparison_is_refused():
    with pytest.raises(UserError, match=r"champion is .* by now, but .* the evaluate pipeline"):
        judge_candidate(
            release(2, 3),
            release(2, 2),
            forecasts(isbns(2), "sarima", 0.2),
            forecasts(isbns(2), release(2, 1).release, 0.2),
            pd.DataFrame({"isbn": isbns(2), "model": "sarima", "fallback_reason": None}),
            pd.DataFrame({"isbn": isbns(1), "week": WEEKS.iloc[0], "volume": 1.0}),
            left_out(),
            PromoteOptions(),
        )


def test_scores_and_last_forecasts_are_added_in_the_order_of_the_release():
    candidate = release(3, 1)
    columns = SCHEMAS["scores"].names
    table = pd.DataFrame({"isbn": [payloads.isbn(n) for n in (2, 0, 1)], "title": "x"})
    table = table.assign(**{name: [0.2, 0.0, 0.1] for name in columns})
    models = pd.DataFrame({"isbn": isbns(3), "model": "sarima"})
    known = pd.concat(
        [forecasts(isbns(3)[1:], "sarima", 0.2), forecasts(isbns(3), "seasonal_naive", 0.3)]
    )
    scored = add_scores(candidate, table, {"test_wape": 0.1}, known, models)
    assert scored.scores is not None
    assert scored.scores["wape"].to_pylist() == [0.0, 0.1, 0.2]
    assert scored.manifest["scores"] == {"test_wape": 0.1}
    assert scored.manifest["fingerprint"] == candidate.manifest["fingerprint"]
    last = scored.planning["last_forecasts"].to_pylist()
    assert last[0] == dict.fromkeys(last[0])
    assert last[1]["first_week"] == WEEKS.iloc[0].date()
    assert last[1]["level"] == 80
    assert last[1]["mean"] == pytest.approx(known["mean"].head(len(WEEKS)).to_list())
    assert last[1]["upper"] == pytest.approx(known["hi-80"].head(len(WEEKS)).to_list())


@pytest.mark.parametrize("required", [False, True])
def test_a_refused_candidate_is_an_error_where_promotion_is_required(required):
    verdict = judged(release(2, 2), release(2, 1), ours=0.9).model_dump(mode="json")
    options = PromoteOptions(required=required)
    if not required:
        require_promotion(verdict, options)
        return
    with pytest.raises(PromotionRefusedError, match=r"WAPE 4\.500 times the champion's") as caught:
        require_promotion(verdict, options, "forecasts")
    assert caught.value.exit_code == 3
    promoted = judged(release(2, 2), release(2, 1)).model_dump(mode="json")
    require_promotion(promoted, options)


def test_the_champions_cutoff_does_not_matter():
    champion = release(2, 1, cutoff=[payloads.CUTOFF - dt.timedelta(weeks=9)] * 2)
    assert judged(release(2, 2), champion).promote
