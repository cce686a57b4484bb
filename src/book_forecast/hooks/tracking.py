"""Kedro hooks that track every run in MLflow, through kedro-mlflow where that serves.

kedro-mlflow reads mlflow.yml, sets MLflow up and opens and closes the run. Its own hooks are turned
off, as they log each parameter in a call of its own, stop the run when a value is long or has
changed, log what is secret, and fail the run when the store does not answer.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from book_forecast.hooks.locations import location
from book_forecast.storage import mlflow_store as store
from book_forecast.storage.revision import revision
from book_forecast.tracking import records
from book_forecast.tracking.names import Extent, RunNames, pipelines_label
from book_forecast.tracking.waiting import WaitingLog

if TYPE_CHECKING:
    from mlflow.entities import Run

    from book_forecast.tracking.run import TrackedRun

TEST = "test"
"""What the test set is for, in ``dataset`` of an entry."""

logger = logging.getLogger(__name__)


class Series(BaseModel):
    """Columns of a frame that are metrics over time: one series a column and group.

    Attributes:
        week: Column of the weeks, whose number since 1970 is the step of a metric.
        columns: The metrics.
        by: Column of the groups; its value is the first part of the metric's name.
        prefix: The part before it.
    """

    model_config = ConfigDict(extra="forbid")

    week: str = "week"
    columns: tuple[str, ...]
    by: str
    prefix: str


class MlflowEntry(BaseModel):
    """What of a catalog entry goes to MLflow: ``metadata: {mlflow: {…}}`` of the entry.

    Attributes:
        metrics: The data are a mapping of names to numbers, to be logged as metrics: all of them,
            or those with one of these names, which may have ``*`` and ``?``.
        artifact: Folder among the run's artifacts for a table, figures or a document.
        title_runs: The data are a frame with a row per title, which gets a child run.
        sums: The data are a frame; columns whose sums are metrics, by name of the metric.
        dataset: The data are a table that a run works on; what it is for, as ``training``.
        series: The data are a frame; metrics over its weeks.

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

    metrics: bool | tuple[str, ...] = False
    artifact: str | None = None
    title_runs: bool = False
    sums: dict[str, str] = Field(default_factory=dict)
    dataset: str | None = None
    series: Series | None = None


class TrackingHooks:
    """Tracks each pipeline run; whatever goes wrong with that is a warning and no more."""

    def __init__(self) -> None:
        self._context: KedroContext | None = None
        self._catalog: CatalogProtocol[Any, Any] | None = None
        self._uri = ""
        self._plugin: Any = None
        self._run: TrackedRun | None = None
        self._names: RunNames | None = None
        self._inputs: set[str] = set()
        self._started, self._joined = 0.0, False
        self._waiting = WaitingLog(self._uri)

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
        self._inputs.clear()
        self._waiting = WaitingLog(self._uri)
        if self._context is not None:
            with self._only_warn("start"):
                self._start(self._context, run_params, pipeline, catalog)

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Log what the run works on."""
        entry = self._entry(dataset_name)
        if self._run is not None and entry is not None and entry.dataset is not None:
            log = partial(self._log_input, self._run, dataset_name, data, entry.dataset)
            with self._only_warn(f"log {dataset_name}"):
                self._waiting.now_or_later(log)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Log what the entry's metadata say."""
        entry = self._entry(dataset_name)
        if self._run is not None and entry is not None:
            log = partial(self._log, self._run, dataset_name, data, entry)
            with self._only_warn(f"log {dataset_name}"):
                self._waiting.now_or_later(log)

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Close the run as finished."""
        if self._plugin is not None:
            with self._only_warn("end"):
                self._waiting.flush()
                if self._run is not None and not self._joined:
                    self._run.log_metrics({"run_seconds": time.monotonic() - self._started})
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
            self._waiting.flush()
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
        self._started = time.monotonic()
        plugin = MlflowHook()
        plugin.after_context_created(context)
        settings = plugin.mlflow_config.tracking.run
        joined = _open_run(settings.id)
        self._joined = joined is not None
        label = pipelines_label(run_params.get("pipeline_names") or ["__default__"])
        self._names = None if settings.name else RunNames.of(label, joined)
        # The plugin would name a run that it joins after the pipeline.
        settings.name = settings.name or (joined.info.run_name if joined else label)
        self._plugin = plugin
        plugin.before_pipeline_run(_shown(run_params), pipeline, catalog)
        active = mlflow.active_run()
        if active is None:
            return  # mlflow.yml turns tracking off for this pipeline
        client = MlflowClient()
        self._run = TrackedRun(client, active.info.run_id, active.info.experiment_id)
        store.describe_experiment(client, active.info.experiment_id)
        self._run.log_parameters(context.config_loader["parameters"])
        self._run.set_tags(revision(Path(context.project_path)))
        where = mlflow.get_tracking_uri()
        logger.info("MLflow run %s in %s", self._run.run_id, store.without_secrets(where))
        page = store.page_of_run(where, self._run.experiment_id, self._run.run_id)
        logger.info("Its page: %s", page)

    def _entry(self, name: str) -> MlflowEntry | None:
        if self._run is None or self._catalog is None:
            return None
        wanted = (getattr(self._catalog.get(name), "metadata", None) or {}).get("mlflow")
        if wanted is None:
            return None
        try:
            return MlflowEntry.model_validate(wanted)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            logger.warning("The entry %s has metadata that MLflow cannot use: %s", name, reason)
            return None

    def _log_input(self, run: TrackedRun, name: str, data: Any, context: str) -> None:
        if not isinstance(data, pd.DataFrame) or name in self._inputs or self._catalog is None:
            return
        run.log_input(name, data, location(self._catalog.get(name)) or name, context)
        self._inputs.add(name)
        # The test weeks are some of the titles' weeks; all of them name the run.
        found = None if context == TEST else Extent.of(data)
        if self._names is not None and found is not None and self._names.takes(found):
            run.rename(self._names.name)
            run.set_tags(found.tags())

    def _log(self, run: TrackedRun, name: str, data: Any, entry: MlflowEntry) -> None:
        if entry.dataset is not None:
            self._log_input(run, name, data, entry.dataset)
        if entry.sums:
            run.log_metrics({metric: data[column].sum() for metric, column in entry.sums.items()})
        if entry.metrics:
            run.log_metrics(data, entry.metrics if isinstance(entry.metrics, tuple) else ("*",))
        if entry.series is not None:
            run.log_series(data, **entry.series.model_dump())
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


def _open_run(configured: str | None) -> Run | None:
    """Return the run that this one joins, if another process or the configuration names one."""
    import mlflow

    active = mlflow.active_run()
    named = configured or os.environ.get("MLFLOW_RUN_ID")
    return active or (mlflow.get_run(named) if named else None)


def _shown(run_params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked for, as kedro-mlflow may set it as tags: short and without secrets."""
    shown = dict(run_params, runner=None)
    for name in ("runtime_params", "extra_params"):
        if shown.get(name):
            shown[name] = records.text(records.parameters(shown[name]))
    return shown
