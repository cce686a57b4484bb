"""Metrics for Prometheus."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from book_forecast.releases.challenges import Arm
from book_forecast.serving.release.served_log import ServedLog
from book_forecast.serving.release.watch import Watch

_SECONDS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Counts and times of this application alone."""

    def __init__(self, watch: Watch, log: ServedLog | None = None) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "book_forecast_requests",
            "Requests by route and status.",
            ("method", "path", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "book_forecast_request_seconds",
            "Time from a request's head to the end of its response.",
            ("path",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._instances = Counter(
            "book_forecast_instances",
            "Instances of /predict, answered or with the code of their error.",
            ("outcome",),
            registry=self._registry,
        )
        self._forecasts = Counter(
            "book_forecast_forecasts",
            "Forecasts of titles that were served, by arm.",
            ("arm",),
            registry=self._registry,
        )
        # Looking up a label takes longer than counting.
        self._request_of = lru_cache(maxsize=1000)(self._requests.labels)
        self._seconds_of = lru_cache(maxsize=1000)(self._seconds.labels)
        self._instance_of = lru_cache(maxsize=100)(self._instances.labels)
        self._forecast_of = lru_cache(maxsize=10)(self._forecasts.labels)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(_Release(watch))
        self._registry.register(_Challenger(watch))
        if log is not None:
            self._registry.register(_Log(log))

    def note_request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request; status 0 means that the caller left before the response."""
        self._request_of(method, path, status).inc()
        self._seconds_of(path).observe(seconds)

    def note_instances(self, outcome: str, number: int) -> None:
        """Count instances of a batch."""
        self._instance_of(outcome).inc(number)

    def note_forecasts(self, arm: Arm, number: int) -> None:
        """Count forecasts of titles."""
        self._forecast_of(arm).inc(number)

    def text(self) -> bytes:
        """Return all metrics in the format of Prometheus."""
        return generate_latest(self._registry)


class _Release(Collector):
    """Metrics of the release that is served, looked up at each scrape."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        served, problem = self._watch.current.served, self._watch.current.problem.text
        info = GaugeMetricFamily(
            "book_forecast_release", "The release that is served.", labels=("release", "cutoff")
        )
        cutoff = GaugeMetricFamily(
            "book_forecast_release_cutoff_timestamp_seconds",
            "Last week of sales that the release is made from.",
        )
        titles = GaugeMetricFamily("book_forecast_titles", "Titles that have a forecast.")
        titles.add_metric((), len(served.reader.isbns) if served else 0)
        if served is not None:
            day = str(served.reader.payload.manifest["cutoff"])
            info.add_metric((served.release, day), 1)
            moment = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)
            cutoff.add_metric((), moment.timestamp())
        yield info
        yield cutoff
        yield titles
        text = "1 while another release should be served, or something else is wrong."
        yield GaugeMetricFamily("book_forecast_problem", text, value=float(problem is not None))
        text = "1 while newer overrides cannot be read."
        overrides = self._watch.overrides
        value = float(overrides is not None and overrides.problem.text is not None)
        yield GaugeMetricFamily("book_forecast_override_problem", text, value=value)
        loads = CounterMetricFamily(
            "book_forecast_loads", "Releases loaded, and attempts that failed.", labels=("outcome",)
        )
        loads.add_metric(("loaded",), self._watch.swaps)
        loads.add_metric(("failed",), self._watch.failures)
        yield loads


class _Challenger(Collector):
    """Metrics of the release that challenges the champion."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        current, watch = self._watch.current, self._watch.challenger
        share = GaugeMetricFamily(
            "book_forecast_challenger_share",
            "Share of the titles that the challenger answers for.",
            labels=("release",),
        )
        if current.rival is not None:
            share.add_metric((current.rival.served.release,), current.rival.challenge.share)
        yield share
        text = "1 while a challenger should answer and does not, or cannot be looked up."
        value = float(current.rival_problem.text is not None)
        yield GaugeMetricFamily("book_forecast_challenger_problem", text, value=value)
        loads = CounterMetricFamily(
            "book_forecast_challenger_loads",
            "Challengers loaded, and attempts that failed.",
            labels=("outcome",),
        )
        loads.add_metric(("loaded",), watch.swaps if watch else 0)
        loads.add_metric(("failed",), watch.failures if watch else 0)
        yield loads


class _Log(Collector):
    """Metrics of the log of served forecasts."""

    def __init__(self, log: ServedLog) -> None:
        self._log = log

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        counts = self._log.counts
        logged = CounterMetricFamily(
            "book_forecast_logged_forecasts",
            "Served forecasts that were written to the log, and those that were dropped.",
            labels=("outcome",),
        )
        logged.add_metric(("written",), counts.written)
        logged.add_metric(("dropped",), counts.dropped)
        yield logged
        waiting = "Served forecasts that wait to be written to the log."
        yield GaugeMetricFamily("book_forecast_log_waiting", waiting, value=self._log.waiting)
        problem = "1 while served forecasts cannot be written to the log."
        value = float(self._log.problem.text is not None)
        yield GaugeMetricFamily("book_forecast_log_problem", problem, value=value)
