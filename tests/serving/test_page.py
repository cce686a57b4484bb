"""The files of the planner's page."""

import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from book_forecast.serving import page as page_module
from book_forecast.serving.app import create_app
from book_forecast.serving.settings import ServiceSettings


def test_the_page_is_open_and_its_numbers_are_not(releases):
    settings = ServiceSettings(releases=releases, token="planners-only")
    with TestClient(create_app(settings)) as client:
        assert client.get("/").status_code == 200
        assert client.get("/static/app.js").status_code == 200
        assert client.get("/books").status_code == 401
        assert client.get("/release").status_code == 401


def test_every_file_of_the_page_is_sent_with_its_type_and_asked_for_each_time(client):
    types = {"app.js": "text/javascript", "style.css": "text/css", "icon.svg": "image/svg+xml"}
    for name, media_type in types.items():
        answer = client.get(f"/static/{name}")
        assert answer.headers["content-type"].startswith(media_type)
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_the_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(client):
    answer = client.get("/")
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "http" not in answer.text.replace("http-equiv", "")


def test_plotly_comes_with_the_service_and_is_cached_by_browsers(client):
    plain = client.get("/static/plotly.min.js", headers={"Accept-Encoding": "identity"})
    assert plain.content.startswith(b"/**\n* plotly.js v")
    assert "immutable" in plain.headers["cache-control"]
    packed = client.get("/static/plotly.min.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert packed.content == plain.content
    assert "plotly.min.js?v=5." in client.get("/").text


def test_without_plotly_the_page_is_still_there(client, monkeypatch):
    monkeypatch.setattr(page_module, "_plotly_path", lambda: None)
    assert client.get("/static/plotly.min.js").status_code == 404


@pytest.mark.parametrize("name", ["index.html2", "__init__.py", "..%2f__init__.py", "nothing.js"])
def test_other_files_are_not_sent(client, name):
    assert client.get(f"/static/{name}").status_code == 404


def test_neither_plotly_nor_openpyxl_is_imported_before_it_is_needed():
    script = "import sys, book_forecast.serving.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "fastapi" in loaded
    assert not loaded & {"plotly", "openpyxl", "pandas", "numba", "mlflow", "kedro"}
