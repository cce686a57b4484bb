"""A release goes to a service of Cloud Run: Google's own client, its requests kept on loopback.

What is not proven: that Cloud Run accepts them, permissions, the image.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import run_v2

from book_forecast.releases.cloud_run import (
    CloudRunDeployment,
    deploy_to_cloud_run,
    serve_on_cloud_run,
)
from book_forecast.releases.kept import KeptReleases
from book_forecast.storage.errors import UserError

pytest_plugins = ("tests.gcs",)

PARENT = "projects/books/locations/europe-west1"
NAME = f"{PARENT}/services/books-uk"
TYPE = "type.googleapis.com/google.cloud.run.v2.Service"
RELEASES = "gs://books/06_models/releases"
STOCK = "gs://books/07_model_output/stock_advice.parquet"
RELEASE = "2026-11-24T05.00.00-1a2b3c4d"
OTHER = "2026-11-25T05.00.00-2b3c4d5e"
IMAGE = "europe-west1-docker.pkg.dev/books/images/pipelines:1"


class CloudRun:
    """Remembers what it is sent, and answers as if all of it were done at once."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, dict, dict]] = []
        self.services: dict[str, dict] = {}
        self.refuses = self.hangs_up = False

    def answer(self, method: str, path: str, query: dict, body: dict) -> tuple[int, dict]:
        if method != "GET":
            self.sent.append((method, path, query, body))
        if self.refuses and method != "GET":
            error = {"code": 403, "message": "run.services.update denied", "status": "DENIED"}
            return 403, {"error": error}
        name = path
        if method == "POST":
            name = f"{path}/{query['serviceId'][0]}"
        elif path not in self.services:
            return 404, {"error": {"code": 404, "message": "no such service"}}
        if method == "GET":
            return 200, self.services[name]
        made = {"name": name, "uri": "https://books-uk.a.run.app", "etag": f"{len(self.sent)}"}
        self.services[name] = body | made
        done = {"@type": TYPE} | self.services[name]
        return 200, {"name": f"{PARENT}/operations/1", "done": True, "response": done}


@pytest.fixture
def cloud_run() -> CloudRun:
    return CloudRun()


@pytest.fixture
def client(cloud_run) -> Iterator[run_v2.ServicesClient]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PATCH(self) -> None:
            self._answer()

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            if cloud_run.hangs_up and self.command != "GET":
                self.close_connection = True
                return
            path = parts.path.removeprefix("/v2/")
            status, content = cloud_run.answer(self.command, path, parse_qs(parts.query), body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the terminal quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield run_v2.ServicesClient(
        transport="rest",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": f"http://127.0.0.1:{server.server_port}"},
    )
    server.shutdown()


def wanted(**more: object) -> CloudRunDeployment:
    return CloudRunDeployment(
        service="books-uk", project="books", location="europe-west1", image=IMAGE, **more
    )


def variables(service: dict) -> dict[str, str]:
    (container,) = service["template"]["containers"]
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def test_a_service_is_made_that_serves_whichever_is_champion(cloud_run, client):
    account = "service@books.iam.gserviceaccount.com"
    address = deploy_to_cloud_run(
        RELEASES, None, STOCK, wanted(service_account=account, max_replicas=5), client
    )
    assert address == "https://books-uk.a.run.app"
    ((method, path, query, sent),) = cloud_run.sent
    assert (method, path, query["serviceId"]) == ("POST", f"{PARENT}/services", ["books-uk"])
    template = sent["template"]
    (container,) = template["containers"]
    assert container["image"] == IMAGE
    assert [*container["command"], *container["args"]] == ["python", "-m", "book_forecast.serving"]
    assert [port["containerPort"] for port in container["ports"]] == [8080]
    assert container["startupProbe"]["httpGet"] == {"path": "/readyz", "port": 8080}
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "2Gi"}
    assert container["resources"].get("cpuIdle", False) is False
    assert variables(sent) == {
        "BOOK_FORECAST_RELEASES": RELEASES,
        "BOOK_FORECAST_SERVE_STOCK": STOCK,
    }
    assert template["scaling"] == {"minInstanceCount": 1, "maxInstanceCount": 5}
    assert template["serviceAccount"] == account
    assert template["labels"] == {"release": "champion"}
    # Nobody is let in without a role of Google's.
    assert "invokerIamDisabled" not in sent


def test_one_release_is_served_and_the_rest_of_the_service_stays(cloud_run, client):
    deploy_to_cloud_run(RELEASES, None, STOCK, wanted(memory="4Gi", min_replicas=3), client)
    made = cloud_run.services[NAME]
    secret = {"secretKeyRef": {"secret": "token", "version": "latest"}}
    token = {"name": "BOOK_FORECAST_TOKEN", "valueSource": secret}
    made["template"]["containers"][0]["env"].append(token)
    made["template"]["revision"] = "books-uk-00001"
    other = wanted().model_copy(update={"image": IMAGE.replace(":1", ":2")})
    deploy_to_cloud_run(RELEASES, RELEASE, None, other, client)
    method, path, _, sent = cloud_run.sent[-1]
    assert (method, path) == ("PATCH", NAME)
    assert sent["etag"] == "1"
    template = sent["template"]
    (container,) = template["containers"]
    assert container["image"].endswith(":2")
    assert token in container["env"]
    assert variables(sent) == {
        "BOOK_FORECAST_RELEASES": RELEASES,
        "BOOK_FORECAST_SERVE_STORAGE_URI": f"{RELEASES}/{RELEASE}",
    }
    assert template["labels"] == {"release": "2026-11-24t05-00-00-1a2b3c4d"}
    assert template["scaling"]["minInstanceCount"] == 3
    assert container["resources"]["limits"]["memory"] == "4Gi"
    assert not template.get("revision")


def test_a_service_whose_requests_go_to_a_former_revision_gets_them_to_the_new_one(
    cloud_run, client
):
    deploy_to_cloud_run(RELEASES, None, STOCK, wanted(), client)
    kind = "TRAFFIC_TARGET_ALLOCATION_TYPE"
    former = {"type": f"{kind}_REVISION", "revision": "books-uk-00001", "percent": 100}
    cloud_run.services[NAME]["traffic"] = [former]
    deploy_to_cloud_run(RELEASES, None, STOCK, wanted(), client)
    (target,) = cloud_run.sent[-1][3]["traffic"]
    latest = int(run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST)
    assert target["type"] in (latest, f"{kind}_LATEST")
    assert target["percent"] == 100
    assert not target.get("revision")


def test_an_answer_that_is_lost_is_told_in_a_paragraph(cloud_run, client):
    cloud_run.hangs_up = True
    with pytest.raises(UserError, match="does not say that it serves"):
        deploy_to_cloud_run(RELEASES, None, None, wanted(), client)


def test_a_refusal_is_told_with_its_reason(cloud_run, client):
    cloud_run.refuses = True
    with pytest.raises(UserError, match=r"books-uk: 403 .*run.services.update denied"):
        deploy_to_cloud_run(RELEASES, None, None, wanted(), client)


def test_a_release_is_kept_from_removal_as_long_as_the_service_serves_it(
    cloud_run, client, gcs_bucket
):
    releases = f"{gcs_bucket}/releases"

    def kept() -> set[str]:
        return {one.release for one in KeptReleases(releases).records().values()}

    serve_on_cloud_run(releases, RELEASE, None, wanted(), client)
    assert kept() == {RELEASE}
    cloud_run.refuses = True
    with pytest.raises(UserError):
        serve_on_cloud_run(releases, OTHER, None, wanted(), client)
    assert kept() == {RELEASE, OTHER}
    cloud_run.refuses = False
    serve_on_cloud_run(releases, OTHER, None, wanted(), client)
    assert kept() == {OTHER}
    serve_on_cloud_run(releases, None, None, wanted(), client)
    assert kept() == set()


def test_releases_on_a_local_disk_are_refused(client):
    with pytest.raises(UserError, match="is not in a bucket, so Cloud Run cannot"):
        deploy_to_cloud_run("/data/releases", None, None, wanted(), client)


@pytest.mark.parametrize("service", ["Books", "books_uk", "-books", "b" * 50, ""])
def test_a_name_that_cloud_run_does_not_take_is_refused(service):
    with pytest.raises(ValueError, match="service"):
        CloudRunDeployment(service=service, project="p", location="l", image="i")
