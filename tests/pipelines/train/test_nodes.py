"""The champion's specifications are recalled; fallbacks are counted and may fail a run."""

from typing import Any

import pandas as pd
import pytest

from book_forecast.forecasters.global_models.forecasts import FORECAST_TYPES
from book_forecast.options.models import ModelOptions
from book_forecast.pipelines.train.fits import COMPARED
from book_forecast.pipelines.train.nodes import recall_champion, require_success, summarise_fits
from book_forecast.storage.errors import UserError
from tests.histories import (
    ALONE,
    MODELS,
    checkpoints_in,
    fit,
    release_of,
    specifications_of,
    volumes,
    weeks_frame,
)
from tests.pipelines import ensembles

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
WEEKS = weeks_frame({isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)})
TITLES = pd.DataFrame({"isbn": ISBNS, "title": list("ABC")})
TRAINING = WEEKS[WEEKS["week"] <= WEEKS["week"].max() - pd.Timedelta(weeks=6)]


def models_of(*reasons: str | None) -> pd.DataFrame:
    frame = pd.DataFrame({"isbn": ISBNS, "fallback_reason": reasons})
    return frame.astype({"isbn": "str", "fallback_reason": "str"})


def test_the_success_rate_counts_titles_without_a_fallback():
    summary = summarise_fits(models_of(None, None, None), models_of("too short", None, None))
    assert summary == {"n_titles": 3.0, "n_fallbacks": 1.0, "success_rate": pytest.approx(2 / 3)}
    require_success(summary, 0.6)
    with pytest.raises(UserError, match=r"1 of 3 titles .* below min_success_rate 0.7"):
        require_success(summary, 0.7)


def test_a_title_with_a_fallback_in_either_table_counts_once():
    summary = summarise_fits(models_of("a", "b", None), models_of("a", None, None))
    assert summary["n_fallbacks"] == 2.0


def test_without_a_title_nothing_has_failed():
    summary = summarise_fits(models_of(None, None, None).iloc[:0], models_of(None, None, None)[:0])
    assert summary == {"n_titles": 0.0, "n_fallbacks": 0.0, "success_rate": 1.0}


def test_the_champions_specifications_come_back_as_tune_wrote_them():
    chosen = specifications_of(ISBNS[:2]).assign(q=[0, 1])
    champion = release_of(WEEKS, chosen, TITLES)
    recalled, calibration, options = recall_champion(champion)
    # Titles that tune has not seen have no specification.
    assert recalled["isbn"].tolist() == ISBNS[:2]
    assert calibration == {}
    assert ModelOptions.model_validate(options) == MODELS
    expected = fit(TRAINING, chosen, COMPARED, models=MODELS).frame
    pd.testing.assert_frame_equal(
        fit(TRAINING, recalled, COMPARED, models=MODELS).frame, expected, check_exact=True
    )


def test_an_ensembles_specifications_weights_and_calibration_come_back(weighted):
    ahead = ensembles.global_forecasts_after(ensembles.WEEKS)
    given: dict[str, Any] = {"models": ensembles.MODELS, "calibration": weighted.calibration}
    titles = ensembles.TITLES.assign(title="x")
    champion = release_of(
        ensembles.WEEKS, weighted.specifications, titles, **given, global_forecasts=ahead
    )
    recalled, calibration, options = recall_champion(champion)
    assert calibration == weighted.calibration
    assert ModelOptions.model_validate(options) == ensembles.MODELS
    weights = recalled.set_index("isbn")["weights"].dropna().to_dict()
    expected = weighted.specifications.set_index("isbn")["weights"].dropna().to_dict()
    assert weights == expected
    mine, theirs = (
        fit(ensembles.WEEKS, rows, COMPARED, global_forecasts=ahead, **given).frame
        for rows in (recalled, weighted.specifications)
    )
    pd.testing.assert_frame_equal(mine, theirs, check_exact=True)


def test_without_a_champion_nothing_is_fitted():
    recalled, calibration, options = recall_champion(None)
    assert recalled.empty
    weeks = WEEKS.assign(promotion=0.0, asp=1.0, rrp=1.0)
    models = ModelOptions.model_validate(options)
    with checkpoints_in(None) as checkpoints:
        ahead = COMPARED.fit_global_model(weeks, TITLES, None, models, checkpoints)
        assert ahead.empty
        assert list(ahead.columns) == list(FORECAST_TYPES)
        part = COMPARED.fit_titles(
            weeks, recalled, calibration, ahead, None, models, ALONE, checkpoints
        )
    assert part.frame.empty
    assert {"isbn", "model", "cutoff", "state"} <= set(part.frame.columns)
