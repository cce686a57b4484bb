"""What training publishes is all that forecasting needs."""

import json

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.restoring import restore
from book_forecast.options.groups import ShardOptions
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.pipelines.train.nodes import fit_release_titles
from book_forecast.pipelines.train.release import assemble_release
from book_forecast.releases.models import model_of, weeks_of
from tests.histories import CUTOFF, WHOLE, specifications_of, volumes, weeks_frame
from tests.releases import payloads

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
HOLES = np.where(np.arange(110) == 70, np.nan, volumes(1, 110))
WEEKS = weeks_frame({ISBNS[0]: volumes(0, 110), ISBNS[1]: HOLES, ISBNS[2]: np.full(110, 4.0)})
TITLES = pd.DataFrame({"isbn": ISBNS[::-1], "title": ["C", "B", "A"], "author": ["c", None, "a"]})


@pytest.fixture(scope="module")
def parts():
    return fit_release_titles(WEEKS, specifications_of(ISBNS[:2]), 26, 1, WHOLE)


@pytest.fixture(scope="module")
def payload(parts, tmp_path_factory):
    models, distributions = (part.frame for part in parts)
    draft = assemble_release(models, distributions, WEEKS, TITLES)
    return payloads.payload_of(draft, tmp_path_factory.mktemp("release"))


def test_it_holds_the_forecasts_of_its_models(parts, payload):
    models = parts[0].frame.set_index("isbn")
    answers = ForecastReader(payload)
    assert answers.isbns == sorted(ISBNS)
    for isbn, row in models.iterrows():
        model = restore(row["model"], json.loads(row["state"]))
        forecast = model.forecast(30, (80, 95))
        answer = answers.forecast(str(isbn), 30, (80, 95))
        np.testing.assert_allclose(answer.mean, forecast.mean, rtol=1e-6)
        np.testing.assert_allclose(answer.bounds[95][1], forecast.upper[95], rtol=1e-6)
        np.testing.assert_allclose(answer.bounds[80][0], forecast.lower[80], rtol=1e-6)


def test_its_models_come_back_with_their_weeks(parts, payload):
    models = parts[0].frame
    for row, (state, family) in enumerate(zip(models["state"], models["model"], strict=True)):
        again = model_of(payload, row)
        assert again.family == family
        assert again.to_state() == json.loads(state)
    np.testing.assert_array_equal(weeks_of(payload, 1), HOLES)


def test_it_tells_of_each_title_what_the_export_knows(payload):
    first, second, third = payload.titles.to_pylist()
    assert (first["title"], first["author"], first["product_class"]) == ("A", "a", None)
    assert second["author"] is None
    assert third["fallback_reason"] == "tune has not seen the title"
    assert {row["cutoff"] for row in (first, second, third)} == {CUTOFF.astype(object)}
    assert payload.manifest["models"] == {"sarima": 2, "seasonal_naive": 1}


def test_shards_make_the_release_that_one_run_makes(parts, payload, tmp_path):
    shards = [
        fit_release_titles(
            WEEKS, specifications_of(ISBNS[:2]), 26, 1, ShardOptions(index=k, count=2)
        )
        for k in (1, 2)
    ]
    models, distributions = (
        pd.concat([shard[i].frame for shard in shards], ignore_index=True) for i in (0, 1)
    )
    draft = assemble_release(models, distributions, WEEKS, TITLES)
    again = payloads.payload_of(draft, tmp_path)
    assert again.manifest["files"] == payload.manifest["files"]


def test_distributions_of_other_titles_are_refused(parts):
    models, distributions = (part.frame for part in parts)
    with pytest.raises(ValueError, match="not of the same titles"):
        assemble_release(models, distributions[distributions["isbn"] != ISBNS[0]], WEEKS, TITLES)
