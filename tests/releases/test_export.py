"""SARIMA models of single titles as results of statsmodels."""

import json

import mlflow
import numpy as np
import pyarrow as pa
import pytest

from book_forecast.forecasters.base import FittedForecaster
from book_forecast.forecasters.calibration import calibrate
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.naive import Naive, SeasonalNaive
from book_forecast.forecasters.residual_scales import FoldErrors
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.payload.weight import Weight
from book_forecast.releases.assembly import new_release, state_without_weeks
from book_forecast.releases.export import log_statsmodels
from book_forecast.releases.models import model_of
from book_forecast.releases.registry import ReleaseRegistry
from book_forecast.sarima import Specification
from book_forecast.series.history import History
from book_forecast.storage.errors import UserError
from tests.mlflow_stores import empty_store
from tests.releases import payloads

WEEKS = 120
CALIBRATION, _, _ = calibrate(
    FoldErrors(np.random.default_rng(1).normal(0.0, 0.3, (30, 8)), np.arange(30), np.full(30, 0.3))
)


@pytest.fixture(scope="module")
def payload():
    """A SARIMA model, ensembles with and without one, and seasonal naive."""
    rng = np.random.default_rng(0)
    tables = payloads.tables(titles=4, weeks=WEEKS)
    tables.pop("scores")
    sales = rng.poisson(40.0, (4, WEEKS)).astype(float)
    models = []
    for n, values in enumerate(sales):
        history = History(payloads.isbn(n), values, np.datetime64(payloads.CUTOFF))
        sarima = Sarima.fit(history, Candidate(Specification(1, 0, 0, trend="c")))
        naive = Naive.fit(history)
        members: list[dict[str, FittedForecaster]] = [
            {"sarima": sarima, "naive": naive},
            {"naive": naive},
        ]
        ensembles = [
            Ensemble(
                found, dict.fromkeys(found, Weight.steady(1 / len(found))), CALIBRATION, 0.3, values
            )
            for found in members
        ]
        models.append([sarima, *ensembles, SeasonalNaive.fit(history)][n])
    titles = tables["titles"].to_pydict()
    titles["model"] = [model.family for model in models]
    titles["state"] = [state_without_weeks(json.dumps(model.to_state())) for model in models]
    tables["titles"] = pa.table(titles)
    tables["histories"] = pa.table({"volumes": [list(row) for row in sales]})
    return new_release(tables, {"fingerprint": "0123456789"})


@pytest.fixture
def registry(tmp_path):
    before = mlflow.get_tracking_uri()
    yield ReleaseRegistry(empty_store(tmp_path), "books")
    mlflow.set_tracking_uri(before)


def test_what_is_exported_forecasts_as_the_release_does(payload, registry):
    isbns = [payloads.isbn(0), payloads.isbn(1)]
    found = log_statsmodels(payload, isbns, registry)
    for row, isbn in enumerate(isbns):
        ahead = mlflow.statsmodels.load_model(found[isbn]).forecast(8, exog=np.ones((8, 1)))
        model = model_of(payload, row)
        member = model.members["sarima"] if isinstance(model, Ensemble) else model
        # On the scale of the model, the logarithm of one plus the copies.
        median = member.forecast(8, (0,)).lower[0]
        np.testing.assert_allclose(np.expm1(ahead), median, rtol=1e-6)


@pytest.mark.parametrize(
    ("isbn", "reason"),
    [
        (payloads.isbn(2), "no SARIMA model to export: it is forecast by an ensemble of naive"),
        (payloads.isbn(3), "no SARIMA model to export: it is forecast by seasonal_naive"),
        ("1", "has no title 1"),
    ],
)
def test_what_cannot_be_exported_is_refused_by_name(payload, registry, isbn, reason):
    with pytest.raises(UserError, match=reason):
        log_statsmodels(payload, [isbn], registry)
