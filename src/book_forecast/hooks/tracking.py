"""Kedro hooks that track every run in MLflow, through kedro-mlflow where that serves.

kedro-mlflow reads mlflow.yml, sets MLflow up and opens and closes the run. Its own hooks are turned
off, as they log each parameter in a call of its own, stop the run when a value is long or has
changed, log what is secret, and fail the run when the store does not answer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from pydantic import BaseModel, ConfigDict

from book_forecast.storage import mlflow_store as store
from book_forecast.storage.revision import revision
from book_forecast.tracking import records

if TYPE_CHECKING:
    from book_forecast.tracking.run import TrackedRun

logger = logging.getLogger(__name__)


class MlflowEntry(BaseModel):
    """What of a catalog entry goes to MLflow: ``metadata: {mlflow: {…}}`` of the entry.

    Attributes:
        metrics: The data are a mapping of names to numbers, to be logged as metrics.
        artifact: Folder among the run's artifacts for a table, figures or a document.
        title_runs: The data are a frame with a row per title, which gets a child run.

    Example:
        ```yaml
        title_scores:
          type: book_forecast.datasets.AtomicParquetDataset
          filepath: "${_root}/08_reporting/title_scores.parquet"
          metadata:
            kedro-viz: {layer: reporting}
            mlflow: {artifact: tables, title_runs: true}
        ```
    """

    model_config = ConfigDict(extra="forbid")

    metrics: bool = False
    artifact: str | None = None
    title_runs: bool = False


class TrackingHooks:
    """Tracks each pipeline run; whatever goes wrong with that is a warning and no more."""

    def __init__(self) -> None:
        self._context: KedroContext | None = None
        self._catalog: CatalogProtocol[Any, Any] | None = None
        self._uri = ""
        self._plugin: Any = None
        self._run: TrackedRun | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Settle where runs are tracked; nothing is created or opened before one starts."""
        self._context = None
        with self._only_warn("be configured"):
            from kedro_mlflow.config.kedro_mlflow_config import KedroMlflowConfig

            loader: Any = context.config_loader
            loader.config_patterns.setdefault("mlflow", ["mlflow*", "mlflow*/**", "**/mlflow*"])
            config = loader["mlflow"]
            server = config.setdefault("server", {})
            uri = store.locate(server["mlflow_tracking_uri"], Path(context.project_path))
            server["mlflow_tracking_uri"] = uri
            experiment = config.setdefault("tracking", {}).setdefault("experiment", {})
            kwargs = experiment.setdefault("create_experiment_kwargs", {})
            kwargs.setdefault("artifact_location", store.artifact_location(uri))
            loader["mlflow"] = config
            # `kedro mlflow ui` and notebooks read it there.
            object.__setattr__(context, "mlflow", KedroMlflowConfig.model_validate(config))
            self._context, self._uri = context, uri

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol[Any, Any]) -> None:
        """Remember the catalog, whose entries say what is to be logged."""
        self._catalog = catalog

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Open the MLflow run and log parameters and git revision."""
        self._plugin = self._run = None
        if self._context is not None:
            with self._only_warn("start"):
                self._start(self._context, run_params, pipeline, catalog)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Log what the entry's metadata say."""
        if self._run is None or self._catalog is None:
            return
        dataset = self._catalog.get(dataset_name)
        wanted = (getattr(dataset, "metadata", None) or {}).get("mlflow")
        if wanted is None:
            return
        with self._only_warn(f"log {dataset_name}"):
            try:
                self._log(self._run, dataset_name, data, MlflowEntry.model_validate(wanted))
            except Exception:
                self._give_up_if_away()
                raise

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Close the run as finished."""
        if self._plugin is not None:
            with self._only_warn("end"):
                self._plugin.after_pipeline_run(run_params, pipeline, catalog)

    @hook_impl
    def on_pipeline_error(
        self,
        error: Exception,
        run_params: dict[str, Any],
        pipeline: Pipeline,
        catalog: CatalogProtocol[Any, Any],
    ) -> None:
        """Close the run as failed, with the reason as a tag."""
        if self._plugin is None:
            return
        with self._only_warn("end"):
            if self._run is not None:
                self._run.set_tags({"error": f"{type(error).__name__}: {error}"})
            self._plugin.on_pipeline_error(error, run_params, pipeline, catalog)

    def _start(
        self,
        context: KedroContext,
        run_params: dict[str, Any],
        pipeline: Pipeline,
        catalog: CatalogProtocol[Any, Any],
    ) -> None:
        import mlflow
        from kedro_mlflow.framework.hooks.mlflow_hook import MlflowHook
        from mlflow.tracking import MlflowClient

        from book_forecast.tracking.run import TrackedRun

        if mlflow.active_run() is None:
            store.make_ready(self._uri)
        plugin = MlflowHook()
        plugin.after_context_created(context)
        self._plugin = plugin
        plugin.before_pipeline_run(_shown(run_params), pipeline, catalog)
        active = mlflow.active_run()
        if active is None:
            return  # mlflow.yml turns tracking off for this pipeline
        self._run = TrackedRun(MlflowClient(), active.info.run_id, active.info.experiment_id)
        self._run.log_parameters(context.config_loader["parameters"])
        self._run.set_tags(revision(Path(context.project_path)))
        where = store.without_secrets(mlflow.get_tracking_uri())
        logger.info("MLflow run %s in %s", self._run.run_id, where)

    def _give_up_if_away(self) -> None:
        """Log no more in this run where the store has gone: each attempt would take its time."""
        try:
            store.make_ready(self._uri)
        except store.StoreError:
            self._run = None
            raise

    def _log(self, run: TrackedRun, name: str, data: Any, entry: MlflowEntry) -> None:
        if entry.metrics:
            run.log_metrics(data)
        if entry.artifact is not None:
            run.log_artifact(name, data, entry.artifact)
        if entry.title_runs and self._context is not None:
            options = self._context.config_loader["parameters"]
            run.log_titles(data, options["reporting"]["max_child_runs"])

    @contextmanager
    def _only_warn(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a forecast is worth more than its record
            reason = records.text(str(error).partition("\n")[0])
            logger.warning("MLflow could not %s (%s); the run goes on", what, reason)


def _shown(run_params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked for, as kedro-mlflow may set it as tags: short and without secrets."""
    shown = dict(run_params, runner=None)
    for name in ("runtime_params", "extra_params"):
        if shown.get(name):
            shown[name] = records.text(records.parameters(shown[name]))
    return shown
