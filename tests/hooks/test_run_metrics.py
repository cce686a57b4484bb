"""The metrics of a run: a Pushgateway's protocol on loopback, and files for the node exporter."""

import base64
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families

from book_forecast.hooks.run_metrics import RunMetricsHooks
from book_forecast.tracking.metric_targets import FOLDER, PUSHGATEWAY

FORECASTS = pd.DataFrame(
    {"isbn": ["a", "a", "b"], "mean": [1.0, 2.0, 3.5], "cutoff": pd.Timestamp("2024-06-29")}
)
CHECKS = pd.DataFrame({"name": ["age", "prices"], "state": ["ok", "broken"]})
SAVED: dict[str, Any] = {
    "forecasts": FORECASTS,
    "metrics": {"test_wape": 0.25, "note": "text"},
    "monitor_status": {"state": "degraded", "problems": [], "metrics": {"titles_shifted": 4}},
    "delivery_checks": CHECKS,
    "promotion": {"promote": False},
    "titles": pd.DataFrame(),
}


class Gateway:
    """What a Pushgateway was sent."""

    def __init__(self) -> None:
        self.status = 202
        self.requests: list[tuple[str, str, dict[str, str], str]] = []
        self.url = ""

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        self.requests.append((handler.command, handler.path, dict(handler.headers), body))
        handler.send_response(self.status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    found = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.take(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()


def run(*, pipelines: list[str] | None = None, fails: bool = False, **saved: Any) -> None:
    hooks = RunMetricsHooks()
    context: Any = SimpleNamespace(env="testing")
    hooks.after_context_created(context)
    hooks.before_pipeline_run()
    for name, data in saved.items():
        hooks.after_dataset_saved(name, data)
    (hooks.on_pipeline_error if fails else hooks.after_pipeline_run)({"pipeline_names": pipelines})


def values(text: str) -> dict[tuple[str, str], float]:
    """Values by metric, and by the label that is not of the run."""
    return {
        (sample.name, "".join(v for k, v in sample.labels.items() if k not in RUN)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


RUN = ("environment", "pipeline")


def test_a_run_pushes_what_it_has_saved_under_its_environment_and_pipeline(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(PUSHGATEWAY, gateway.url)
    run(pipelines=["weekly"], **SAVED)
    ((method, path, _, body),) = gateway.requests
    assert method == "POST"  # adds to what former runs have pushed
    assert path == "/metrics/job/book_forecast/environment/testing/pipeline/weekly"
    found = values(body)
    assert found["book_forecast_run_success", ""] == 1
    assert found["book_forecast_forecast_titles", ""] == 2
    assert found["book_forecast_forecast_copies", ""] == 6.5
    assert found["book_forecast_forecast_cutoff_timestamp_seconds", ""] == 1719619200
    assert found["book_forecast_evaluation", "test_wape"] == 0.25
    assert found["book_forecast_monitor_state", "degraded"] == 1
    assert found["book_forecast_monitor_state", "broken"] == 0
    assert found["book_forecast_monitor", "titles_shifted"] == 4
    assert found["book_forecast_delivery_check_ok", "prices"] == 0
    assert found["book_forecast_promoted", ""] == 0
    assert 'environment="testing",pipeline="weekly"' in body


def test_a_failed_run_leaves_the_time_of_the_last_success(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(PUSHGATEWAY, gateway.url)
    monkeypatch.setenv(FOLDER, str(tmp_path / "node"))
    success = ("book_forecast_run_last_success_timestamp_seconds", "")
    run()
    (file,) = (tmp_path / "node").iterdir()
    assert file.name == "book_forecast_testing___default__.prom"
    before = values(file.read_text())
    run(fails=True)
    after = values(file.read_text())
    assert after[success] == before[success]
    assert (before["book_forecast_run_success", ""], after["book_forecast_run_success", ""]) == (
        1,
        0,
    )
    assert success not in values(gateway.requests[1][3])  # the gateway keeps its own


def test_a_user_and_password_are_sent_and_shown_nowhere(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(PUSHGATEWAY, gateway.url.replace("//", "//ann:s%40cret@"))
    run()
    (_, _, headers, _) = gateway.requests[0]
    sent = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
    assert sent == "ann:s@cret"
    gateway.status = 500
    run()
    assert "The Pushgateway did not take the metrics (500). The run goes on." in caplog.text
    assert "cret" not in caplog.text
    assert "127.0.0.1" not in caplog.text


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9", "file:///etc/passwd", "gateway:9091", "https://", "http://[x"]
)
def test_an_address_that_does_not_answer_or_is_none_is_a_warning(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv(PUSHGATEWAY, url)
    run(**SAVED)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("Metrics of the run are not sent: ")
    assert "9091" not in record.getMessage().replace("https://host:9091", "")


def test_data_of_another_form_and_a_folder_out_of_reach_are_warnings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(FOLDER, str(tmp_path / "file"))
    run(forecasts=None)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_nothing_is_sent_where_nothing_is_set(gateway: Gateway, tmp_path: Path):
    run(**SAVED)
    assert not gateway.requests
