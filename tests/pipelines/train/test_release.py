"""What training publishes is all that forecasting needs."""

import json

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.restoring import restore
from book_forecast.payload.contents import Payload
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.pipelines.train.fits import RELEASED
from book_forecast.pipelines.train.release import assemble_release
from book_forecast.releases.models import model_of, weeks_of
from tests.histories import CUTOFF, MODELS, fit, shard, specifications_of, volumes, weeks_frame

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
HOLES = np.where(np.arange(110) == 70, np.nan, volumes(1, 110))
WEEKS = weeks_frame({ISBNS[0]: volumes(0, 110), ISBNS[1]: HOLES, ISBNS[2]: np.full(110, 4.0)})
SPECIFICATIONS = specifications_of(ISBNS[:2])
TITLES = pd.DataFrame({"isbn": ISBNS[::-1], "title": ["C", "B", "A"], "author": ["c", None, "a"]})


@pytest.fixture(scope="module")
def models() -> pd.DataFrame:
    return fit(WEEKS, SPECIFICATIONS, RELEASED).frame


@pytest.fixture(scope="module")
def payload(models):
    return assemble(models)


def assemble(models: pd.DataFrame, champion: Payload | None = None, **changed) -> Payload:
    arguments = {
        "model_input": WEEKS,
        "specifications": SPECIFICATIONS,
        "titles": TITLES,
    } | changed
    return assemble_release(
        release_models=models,
        calibration={},
        champion=champion,
        models=MODELS,
        **arguments,
    )


def test_it_holds_the_forecasts_of_its_models(models, payload):
    reader = ForecastReader(payload)
    assert reader.isbns == sorted(ISBNS)
    for isbn, row in models.set_index("isbn").iterrows():
        model = restore(row["model"], json.loads(row["state"]))
        forecast = model.forecast(30, (80, 95))
        answer = reader.forecast(str(isbn), 30, (80, 95))
        np.testing.assert_allclose(answer.mean, forecast.mean, rtol=1e-6)
        np.testing.assert_allclose(answer.bounds[95][1], forecast.upper[95], rtol=1e-6)
        np.testing.assert_allclose(answer.bounds[80][0], forecast.lower[80], rtol=1e-6)


def test_its_models_come_back_with_their_weeks(models, payload):
    for row, (state, family) in enumerate(zip(models["state"], models["model"], strict=True)):
        again = model_of(payload, row)
        assert again.family == family
        assert again.to_state() == json.loads(state)
    np.testing.assert_array_equal(weeks_of(payload, 1), HOLES)


def test_it_has_the_texts_of_the_export(payload):
    first, second, third = payload.titles.to_pylist()
    assert (first["title"], first["author"], first["product_class"]) == ("A", "a", None)
    assert second["author"] is None
    assert third["fallback_reason"] == "tune has not seen the title"
    assert {row["cutoff"] for row in (first, second, third)} == {CUTOFF.astype(object)}
    assert payload.manifest["models"] == {"sarima": 2, "seasonal_naive": 1}


def test_shards_make_the_release_that_one_run_makes(models, payload):
    shards = [fit(WEEKS, SPECIFICATIONS, RELEASED, execution=shard(k, 2)).frame for k in (1, 2)]
    again = assemble(pd.concat(shards, ignore_index=True))
    assert again.manifest["fingerprint"] == payload.manifest["fingerprint"]
    assert again.titles.equals(payload.titles)
    np.testing.assert_array_equal(again.quantiles, payload.quantiles)


def test_the_champion_again_is_no_new_release(models, payload):
    assert assemble(models, champion=payload) is payload


@pytest.mark.parametrize("changed", ["data", "specifications", "titles"])
def test_other_data_specifications_or_titles_make_a_new_release(models, payload, changed):
    if changed == "data":
        other = assemble(models, payload, model_input=WEEKS.assign(volume=WEEKS["volume"] + 1.0))
    elif changed == "titles":
        other = assemble(models, payload, titles=TITLES.assign(author="d"))
    else:
        other = assemble(models, payload, specifications=SPECIFICATIONS.assign(season=7))
    assert other.release != payload.release
    assert other.manifest["fingerprint"] != payload.manifest["fingerprint"]
