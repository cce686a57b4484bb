"""Single titles as results of statsmodels."""

import mlflow
import numpy as np
import pytest

from book_forecast.pipelines.train.nodes import fit_release_titles
from book_forecast.pipelines.train.release import assemble_release
from book_forecast.releases.export import log_statsmodels
from book_forecast.releases.models import model_of
from book_forecast.releases.registry import Registry
from book_forecast.storage.errors import UserError
from tests.histories import WHOLE, specifications_of, volumes, weeks_frame
from tests.releases import payloads

ISBNS = ["9780241003008", "9780722532935"]
WEEKS = weeks_frame({isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)})


@pytest.fixture(scope="module")
def payload(tmp_path_factory):
    titles = WEEKS[["isbn"]].drop_duplicates().assign(title="x")
    models, distributions = fit_release_titles(WEEKS, specifications_of(ISBNS[:1]), 26, 1, WHOLE)
    draft = assemble_release(models.frame, distributions.frame, WEEKS, titles)
    return payloads.payload_of(draft, tmp_path_factory.mktemp("release"))


@pytest.fixture
def registry(tmp_path):
    before = mlflow.get_tracking_uri()
    yield Registry(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.set_tracking_uri(before)


def test_what_is_exported_forecasts_as_the_release_does(payload, registry):
    (address,) = log_statsmodels(payload, ISBNS[:1], registry).values()
    results = mlflow.statsmodels.load_model(address)
    ahead = results.forecast(8, exog=np.ones((8, 1)))
    # On the scale of the model, the logarithm of one plus the copies.
    median = model_of(payload, 0).forecast(8, (0,)).lower[0]
    np.testing.assert_allclose(np.expm1(ahead), median, rtol=1e-6)


@pytest.mark.parametrize(
    ("isbn", "told"), [(ISBNS[1], "no SARIMA model but seasonal_naive"), ("1", "has no title 1")]
)
def test_what_cannot_be_exported_is_refused_by_name(payload, registry, isbn, told):
    with pytest.raises(UserError, match=told):
        log_statsmodels(payload, [isbn], registry)
