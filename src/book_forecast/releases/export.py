"""Exports SARIMA models of single titles as results of statsmodels."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence

from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.sarima import Sarima
from book_forecast.payload.contents import Payload
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.releases.models import model_of
from book_forecast.releases.registry import ReleaseRegistry
from book_forecast.sarima.bridge import to_statsmodels
from book_forecast.storage.errors import UserError
from book_forecast.storage.mlflow_store import experiment_id, make_ready


def log_statsmodels(
    payload: Payload, isbns: Sequence[str], registry: ReleaseRegistry
) -> dict[str, str]:
    """Log the SARIMA models of titles in MLflow, an ensemble's SARIMA member included.

    They are filtered with `low_memory`: a model takes less than a megabyte in place of 972.
    MLflow stores such models as pickles: load only those that you have exported yourself.

    Args:
        payload: The release.
        isbns: The titles.
        registry: MLflow's registry; the models get a run in its experiment.

    Returns:
        MLflow's URI of each model, by ISBN.

    Raises:
        UserError: If the release lacks a title, or the title has no SARIMA model.
    """
    import mlflow

    reader = ForecastReader(payload)
    models: dict[str, Sarima] = {}
    for isbn in isbns:
        if isbn not in reader:
            raise UserError(f"The release {payload.release} has no title {isbn}.")
        model = model_of(payload, reader.row(isbn))
        member = model.members.get(Sarima.family) if isinstance(model, Ensemble) else model
        if not isinstance(member, Sarima):
            raise UserError(
                f"{isbn} has no SARIMA model to export: it is forecast by "
                + (
                    f"an ensemble of {', '.join(sorted(model.members))}."
                    if isinstance(model, Ensemble)
                    else f"{model.family}."
                )
            )
        models[isbn] = member
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
