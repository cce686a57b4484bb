"""Single titles as statsmodels' results, for those who want to look into a model."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence

from book_forecast.forecasters.sarima import Sarima
from book_forecast.payload.contents import Payload
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.releases.models import model_of
from book_forecast.releases.registry import Registry
from book_forecast.sarima.bridge import to_statsmodels
from book_forecast.storage.errors import UserError
from book_forecast.storage.mlflow_store import experiment_id, make_ready


def log_statsmodels(payload: Payload, isbns: Sequence[str], registry: Registry) -> dict[str, str]:
    """Log titles in MLflow, filtered with `low_memory`: under a megabyte where all takes 972.

    MLflow keeps such models as pickles: load only those that you have exported yourself.

    Args:
        payload: The release.
        isbns: Titles with a SARIMA model.
        registry: Of MLflow; the models get a run in its experiment.

    Returns:
        MLflow's address of each model, by ISBN.

    Raises:
        UserError: If the release lacks a title, or it has no SARIMA model.
    """
    import mlflow

    answers = ForecastReader(payload)
    models = {}
    for isbn in isbns:
        if isbn not in answers:
            raise UserError(f"The release {payload.release} has no title {isbn}.")
        model = model_of(payload, answers.row(isbn))
        if not isinstance(model, Sarima):
            raise UserError(f"{isbn} has no SARIMA model but {model.family}: there is no export.")
        models[isbn] = model
    make_ready(registry.uri)
    mlflow.set_tracking_uri(registry.uri)
    experiment = experiment_id(registry.uri, registry.experiment)
    version = importlib.metadata.version("statsmodels")
    found = {}
    with mlflow.start_run(run_name=f"export of {payload.release}", experiment_id=experiment):
        for isbn, model in models.items():
            values = model.transform.apply(model.volumes)
            info = mlflow.statsmodels.log_model(
                to_statsmodels(model.model, values, low_memory=True),
                name=isbn,
                pip_requirements=[f"statsmodels=={version}"],
            )
            found[isbn] = str(info.model_uri)
    return found
