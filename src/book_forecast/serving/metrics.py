"""What Prometheus is told."""

from __future__ import annotations

from collections.abc import Iterator

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

from book_forecast.serving.watch import Watch

_SECONDS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Counts and times, apart from those of other applications in the process."""

    def __init__(self, watch: Watch) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "book_forecast_requests",
            "Requests by route and status.",
            ("method", "path", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "book_forecast_request_seconds",
            "Time from a request's head to the end of its answer.",
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
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(_Release(watch))

    def note_request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request; a status of 0 means that the caller was gone before the answer."""
        self._requests.labels(method, path, status).inc()
        self._seconds.labels(path).observe(seconds)

    def note_instances(self, outcome: str, number: int) -> None:
        """Count instances of a batch."""
        self._instances.labels(outcome).inc(number)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)


class _Release(Collector):
    """What is served, looked up when asked."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def collect(self) -> Iterator[Metric]:
        """The metrics."""
        current = self._watch.current
        answers, status = current.answers, current.status
        info = GaugeMetricFamily(
            "book_forecast_release", "The release that is served.", labels=("release", "cutoff")
        )
        titles = GaugeMetricFamily("book_forecast_titles", "Titles that have a forecast.")
        titles.add_metric((), len(answers.isbns) if answers else 0)
        if status.release is not None:
            info.add_metric((status.release, str(status.cutoff)), 1)
        yield info
        yield titles
        problem = "1 while another release should be served, or something else is wrong."
        yield GaugeMetricFamily(
            "book_forecast_problem", problem, value=float(status.problem is not None)
        )
        loads = CounterMetricFamily(
            "book_forecast_loads", "Releases loaded, and attempts that failed.", labels=("outcome",)
        )
        loads.add_metric(("loaded",), self._watch.swaps)
        loads.add_metric(("failed",), self._watch.failures)
        yield loads
