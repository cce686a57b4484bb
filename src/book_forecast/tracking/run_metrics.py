"""Metrics of a run for Prometheus: what it found, when it ended, and whether it succeeded.

They go to a Pushgateway, or into a folder that the node exporter reads. Environment variables name
both; without them nothing is sent. An address may hold a password, so no message shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pandas as pd
from prometheus_client import CollectorRegistry, Gauge, pushadd_to_gateway, write_to_textfile
from prometheus_client.exposition import basic_auth_handler, default_handler
from prometheus_client.parser import text_fd_to_metric_families

from book_forecast.storage.errors import UserError
from book_forecast.tracking.metric_targets import FOLDER, PUSHGATEWAY

JOB = "book_forecast"
SECONDS = 10.0
"""Until the Pushgateway must answer."""

_LABELS = ("environment", "pipeline")
_STATES = ("ok", "new", "degraded", "broken")
_LAST_SUCCESS = "book_forecast_run_last_success_timestamp_seconds"
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class RunEnd:
    """How a run ended.

    Attributes:
        environment: The configuration of the run.
        pipeline: Its pipelines.
        success: Whether it reached its end.
        ended: Seconds since 1970.
        seconds: How long it took.
    """

    environment: str
    pipeline: str
    success: bool
    ended: float
    seconds: float

    @property
    def labels(self) -> dict[str, str]:
        """The labels of every metric."""
        return {"environment": self.environment, "pipeline": self.pipeline}


class RunMetrics:
    """The metrics of one run."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}
        self._values: list[tuple[str, str, dict[str, str], float]] = []

    def note(self, dataset: str, data: Any) -> None:
        """Take the metrics of a dataset that was saved.

        Args:
            dataset: Its name in the catalog; most have no metrics.
            data: What was saved.
        """
        if dataset in _FOUND:
            self._values += _FOUND[dataset](data)

    def send(self, end: RunEnd, variables: Mapping[str, str]) -> None:
        """Send the metrics to where the environment variables say.

        Args:
            end: How the run ended.
            variables: The environment variables.

        Raises:
            UserError: The address is none, or the metrics cannot be sent; it is not shown.
        """
        url, folder = variables.get(PUSHGATEWAY, ""), variables.get(FOLDER, "")
        for name, text, labels, value in [*self._values, *_of_end(end)]:
            self._set(name, text, end.labels | labels, value)
        try:
            if url:
                self._push(url, end)
        finally:
            if folder:
                self._write(Path(folder), end)

    def _set(self, name: str, text: str, labels: dict[str, str], value: float) -> None:
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, text, tuple(labels), registry=self._registry)
        self._gauges[name].labels(**labels).set(value)

    def _push(self, url: str, end: RunEnd) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"{PUSHGATEWAY} is no address: write it as https://host:9091.")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

        def handler(**request: Any) -> Any:
            if user:
                return basic_auth_handler(**request, username=user, password=password)
            return default_handler(**request)

        try:
            # Metrics that this run does not have stay, such as the time of the last success.
            pushadd_to_gateway(
                address, JOB, self._registry, end.labels, timeout=SECONDS, handler=handler
            )
        except OSError as error:
            status = getattr(error, "code", type(error).__name__)
            raise UserError(f"The Pushgateway did not take the metrics ({status}).") from None

    def _write(self, folder: Path, end: RunEnd) -> None:
        names = "_".join(_NOT_IN_A_FILE_NAME.sub("-", name) for name in end.labels.values())
        path = folder / f"{JOB}_{names}.prom"
        former = None if end.success else _last_success(path)
        if former is not None:
            self._set(_LAST_SUCCESS, _TEXTS[_LAST_SUCCESS], end.labels, former)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_to_textfile(str(path), self._registry)
        except OSError as error:
            raise UserError(
                f"The metrics cannot be written to {FOLDER} ({error.strerror})."
            ) from None


_TEXTS = {
    "book_forecast_run_success": "1 if the last run reached its end, 0 if it failed.",
    "book_forecast_run_end_timestamp_seconds": "When the last run ended.",
    "book_forecast_run_duration_seconds": "How long the last run took.",
    _LAST_SUCCESS: "When a run last reached its end.",
    "book_forecast_forecast_titles": "Titles with a forecast of the last run.",
    "book_forecast_forecast_copies": "Copies that the last run forecasts, over all weeks.",
    "book_forecast_forecast_cutoff_timestamp_seconds": "Newest week that forecasts are made from.",
    "book_forecast_evaluation": "Scores over all titles on the test set, by metric.",
    "book_forecast_monitor_state": "1 for the state that the last monitoring found, 0 for others.",
    "book_forecast_monitor": "Measures of the last monitoring, by metric.",
    "book_forecast_delivery_check_ok": "1 for a check that the newest delivery passes.",
    "book_forecast_promoted": "1 if the last candidate passed the gates, 0 if it was refused.",
}
_Value = tuple[str, str, dict[str, str], float]


def _value(name: str, value: float, **labels: str) -> _Value:
    return name, _TEXTS[name], labels, float(value)


def _of_end(end: RunEnd) -> Iterator[_Value]:
    yield _value("book_forecast_run_success", end.success)
    yield _value("book_forecast_run_end_timestamp_seconds", end.ended)
    yield _value("book_forecast_run_duration_seconds", end.seconds)
    if end.success:
        yield _value(_LAST_SUCCESS, end.ended)


def _of_forecasts(data: pd.DataFrame) -> Iterator[_Value]:
    yield _value("book_forecast_forecast_titles", data["isbn"].nunique())
    yield _value("book_forecast_forecast_copies", data["mean"].sum())
    if len(data):
        cutoff = pd.Timestamp(data["cutoff"].max()).timestamp()
        yield _value("book_forecast_forecast_cutoff_timestamp_seconds", cutoff)


def _of_metrics(data: Mapping[str, Any]) -> Iterator[_Value]:
    for name, value in data.items():
        if isinstance(value, (int, float)):
            yield _value("book_forecast_evaluation", value, metric=name)


def _of_status(data: Mapping[str, Any]) -> Iterator[_Value]:
    for state in _STATES:
        yield _value("book_forecast_monitor_state", state == data["state"], state=state)
    for name, value in data.get("metrics", {}).items():
        if isinstance(value, (int, float)):
            yield _value("book_forecast_monitor", value, metric=name)


def _of_checks(data: pd.DataFrame) -> Iterator[_Value]:
    for row in data.itertuples(index=False):
        passes = str(row.state) == "ok"
        yield _value("book_forecast_delivery_check_ok", passes, check=str(row.name))


def _of_verdict(data: Mapping[str, Any]) -> Iterator[_Value]:
    yield _value("book_forecast_promoted", bool(data["promote"]))


_FOUND: dict[str, Any] = {
    "forecasts": _of_forecasts,
    "metrics": _of_metrics,
    "monitor_status": _of_status,
    "delivery_checks": _of_checks,
    "promotion": _of_verdict,
}
"""What a dataset has, by its name in the catalog."""


def _last_success(path: Path) -> float | None:
    """Return when a run last succeeded, as a file of metrics has it."""
    with suppress(OSError, ValueError), path.open(encoding="utf-8") as file:
        for family in text_fd_to_metric_families(file):
            if family.name == _LAST_SUCCESS:
                return float(family.samples[0].value)
    return None
