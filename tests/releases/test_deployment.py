"""A release goes to an endpoint of Vertex AI: Google's own client, its requests kept on loopback.

What is not proven: that Vertex AI accepts them, permissions, the image.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from google.auth.credentials import AnonymousCredentials

from book_forecast.releases.deployment import Deployment, deploy
from book_forecast.storage.errors import UserError

PARENT = "projects/books/locations/europe-west1"
TYPE = "type.googleapis.com/google.cloud.aiplatform.v1."
RELEASE = "2026-11-24T05.00.00-1a2b3c4d"
PLACE = f"gs://books/06_models/releases/{RELEASE}"


class Vertex:
    """Remembers what it is sent, and answers as if all of it were done at once."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict]] = []
        self.endpoints: dict[str, dict] = {}
        self.models: dict[str, dict] = {}

    def post(self, path: str, body: dict) -> dict:
        self.sent.append((path, body))
        if path == f"{PARENT}/endpoints":
            name = f"{PARENT}/endpoints/{len(self.endpoints) + 1}"
            self.endpoints[name] = body | {"name": name}
            return self._done("Endpoint", self.endpoints[name])
        if path == f"{PARENT}/models:upload":
            name = f"{PARENT}/models/{len(self.models) + 1}"
            # As for every container of one's own.
            kinds = {"supportedDeploymentResourcesTypes": ["DEDICATED_RESOURCES"]}
            self.models[name] = body["model"] | kinds | {"name": name, "versionId": "1"}
            return self._done("UploadModelResponse", {"model": name, "modelVersionId": "1"})
        endpoint = self.endpoints[path.partition(":")[0]]
        deployed = endpoint.setdefault("deployedModels", [])
        if path.endswith(":deployModel"):
            deployed.append(body["deployedModel"] | {"id": str(100 + len(self.sent))})
            return self._done("DeployModelResponse", {"deployedModel": deployed[-1]})
        deployed[:] = [model for model in deployed if model["id"] != body["deployedModelId"]]
        return self._done("UndeployModelResponse", {})

    def get(self, path: str, query: dict) -> dict | None:
        if path == f"{PARENT}/endpoints":
            (wanted,) = query["filter"]
            matches = self.endpoints.values()
            return {
                "endpoints": [e for e in matches if wanted == f'display_name="{e["displayName"]}"']
            }
        return self.endpoints.get(path) or self.models.get(path.partition("@")[0])

    def _done(self, kind: str, response: dict) -> dict:
        name = f"{PARENT}/operations/{len(self.sent)}"
        return {"name": name, "done": True, "response": {"@type": TYPE + kind} | response}


@pytest.fixture
def vertex(monkeypatch):
    # Imported by the process that has these tests, not by all that collect them: it takes seconds.
    from google.cloud import aiplatform
    from google.cloud.aiplatform.constants.base import API_BASE_PATH

    vertex = Vertex()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._answer(vertex.get(parts.path.removeprefix("/v1/"), parse_qs(parts.query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            path = urlsplit(self.path).path.removeprefix("/v1/")
            self._answer(vertex.post(path, json.loads(body)))

        def _answer(self, content: dict | None) -> None:
            self.send_response(200 if content is not None else 404)
            self.end_headers()
            self.wfile.write(json.dumps(content or {}).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the terminal quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    aiplatform.init(
        api_endpoint=f"http://127.0.0.1:{server.server_port}",
        api_transport="rest",
        credentials=AnonymousCredentials(),
    )
    yield vertex
    server.shutdown()
    aiplatform.init(api_endpoint=API_BASE_PATH, api_transport="grpc")


def wanted(**more: object) -> Deployment:
    return Deployment(
        endpoint="books-uk",
        project="books",
        location="europe-west1",
        image="europe-west1-docker.pkg.dev/books/images/pipelines:1",
        service_account="service@books.iam.gserviceaccount.com",
        **more,
    )


def test_an_endpoint_is_made_and_serves_the_release(vertex):
    name = deploy(RELEASE, PLACE, wanted(machine_type="n2-standard-2", max_replicas=3))
    assert name == f"{PARENT}/endpoints/1"
    (_, created), (_, uploaded), (_, deployed) = vertex.sent
    assert created["displayName"] == "books-uk"
    model = uploaded["model"]
    assert model["displayName"] == f"books-uk-{RELEASE}"
    assert model["artifactUri"] == PLACE
    container = model["containerSpec"]
    assert container["command"] == ["python", "-m", "book_forecast.serving"]
    assert container["ports"] == [{"containerPort": 8080}]
    assert (container["predictRoute"], container["healthRoute"]) == ("/predict", "/readyz")
    on_it = deployed["deployedModel"]
    assert on_it["model"] == f"{PARENT}/models/1@1"
    assert on_it["serviceAccount"] == "service@books.iam.gserviceaccount.com"
    assert on_it["dedicatedResources"]["machineSpec"] == {"machineType": "n2-standard-2"}
    assert on_it["dedicatedResources"]["maxReplicaCount"] == 3
    assert deployed["trafficSplit"] == {"0": 100}


def test_the_next_release_takes_the_place_of_the_last_on_the_same_endpoint(vertex):
    first = deploy(RELEASE, PLACE, wanted())
    assert deploy("2026-12-01T05.00.00-5e6f7a8b", PLACE, wanted()) == first
    (endpoint,) = vertex.endpoints.values()
    shown = [model["displayName"] for model in endpoint["deployedModels"]]
    assert shown == ["2026-12-01T05.00.00-5e6f7a8b"]


def test_a_release_on_a_local_disk_is_refused():
    with pytest.raises(UserError, match="is not in a bucket"):
        deploy(RELEASE, f"/data/releases/{RELEASE}", wanted())
