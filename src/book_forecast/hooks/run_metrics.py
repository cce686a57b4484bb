"""Sends the metrics of a run to Prometheus at its end, where that is set up."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from book_forecast.storage.errors import UserError
from book_forecast.tracking.metric_targets import is_set_up

logger = logging.getLogger(__name__)


class RunMetricsHooks:
    """Collects what a run has saved; whatever goes wrong with that is a warning and no more."""

    def __init__(self) -> None:
        self._environment = ""
        self._metrics: Any = None
        self._started = 0.0

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Note the environment."""
        self._environment = str(context.env)

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Begin; nothing is imported where nothing is to be sent."""
        self._metrics, self._started = None, time.monotonic()
        if is_set_up(os.environ):
            from book_forecast.tracking.run_metrics import RunMetrics

            self._metrics = RunMetrics()

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Take the metrics of a dataset."""
        if self._metrics is not None:
            try:
                self._metrics.note(dataset_name, data)
            except Exception as error:  # noqa: BLE001 - a forecast is worth more than its metrics
                _warn(error)

    @hook_impl(trylast=True)
    def after_pipeline_run(self, run_params: Mapping[str, Any]) -> None:
        """Send what there is."""
        self._send(run_params, success=True)

    @hook_impl(trylast=True)
    def on_pipeline_error(self, run_params: Mapping[str, Any]) -> None:
        """Send what there is, and that the run has failed."""
        self._send(run_params, success=False)

    def _send(self, run_params: Mapping[str, Any], *, success: bool) -> None:
        if self._metrics is None:
            return
        try:
            from book_forecast.tracking.run_metrics import RunEnd

            names = run_params.get("pipeline_names") or [run_params.get("pipeline_name")]
            pipeline = ",".join(filter(None, names)) or "__default__"
            seconds = time.monotonic() - self._started
            end = RunEnd(self._environment, pipeline, success, time.time(), seconds)
            self._metrics.send(end, os.environ)
        except Exception as error:  # noqa: BLE001 - a forecast is worth more than its metrics
            _warn(error)


def _warn(error: Exception) -> None:
    # The text of other errors may have the address, and with it a password.
    reason = str(error) if isinstance(error, UserError) else type(error).__name__
    logger.warning("Metrics of the run are not sent: %s The run goes on.", f"{reason.rstrip('.')}.")
