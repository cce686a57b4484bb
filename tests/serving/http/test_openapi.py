"""Whether the service is what it says in its OpenAPI document."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.serving.servers import KNOWN, FreshServer, Server

CASES = 1000
CONFIG = """
checks.negative_data_rejection.expected-statuses = [400, 404, 405, 406, 413, 415, 422]

[[operations]]
# No schema can describe the check digit of an ISBN: 422 is the documented status of a wrong one.
include-path-regex = "/books/.isbn.+"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 422]
{isbn}

[[operations]]
# Nor can one describe ISBNs of a list, the names that a release lacks, and spans that end too late.
include-path-regex = "/(books|totals|names|export)$"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 422]
# In an address, whatever takes the place of a list of names is a name.
checks.negative_data_rejection.expected-statuses = [200, 400, 404, 405, 406, 413, 415, 422]
"""


@pytest.fixture(scope="module")
def document(server):
    return server.client.get("/openapi.json").json()


def test_every_route_is_in_the_document(document):
    assert set(document["paths"]) >= {
        *("/predict", "/healthz", "/readyz", "/release", "/metrics"),
        *("/books", "/books/{isbn}/forecast", "/books/{isbn}/demand", "/totals"),
        *("/names", "/left-out", "/export"),
    }


def test_bounds_are_in_the_document(document):
    body = document["paths"]["/predict"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]["properties"]
    assert schema["instances"]["maxItems"] == 1000
    horizon = schema["parameters"]["properties"]["horizon"]
    assert (horizon["minimum"], horizon["maximum"]) == (1, 104)
    levels = schema["parameters"]["properties"]["levels"]["items"]
    assert (levels["minimum"], levels["maximum"]) == (1, 99)
    (horizon,) = [
        parameter["schema"]
        for parameter in document["paths"]["/books/{isbn}/forecast"]["get"]["parameters"]
        if parameter["name"] == "horizon"
    ]
    assert (horizon["minimum"], horizon["maximum"]) == (1, 104)


def test_the_example_in_the_document_is_answered(server, document):
    body = document["paths"]["/predict"]["post"]["requestBody"]
    example = body["content"]["application/json"]["example"]
    answer = server.client.post("/predict", json=example)
    assert len(answer.json()["predictions"]) == len(example["instances"])


def test_only_a_service_with_a_token_asks_for_it(document, served_store, tmp_path):
    assert "securitySchemes" not in document["components"]
    token = "a-token-of-some-length"
    variables = {"BOOK_FORECAST_TOKEN": token}
    with Server(tmp_path, "--releases", served_store.root, **variables) as server:
        headers = {"Authorization": f"Bearer {token}"}
        guarded = httpx.get(f"{server.url}/openapi.json", headers=headers, trust_env=False).json()
    paths = guarded["paths"]
    assert paths["/release"]["get"]["security"] == [{"token": []}]
    assert "401" in paths["/release"]["get"]["responses"]
    assert "security" not in paths["/readyz"]["get"]


@pytest.mark.slow
def test_a_thousand_requests_from_the_document_break_nothing(served_store, tmp_path):
    """All checks of schemathesis: no 5xx, statuses, types and schemas as documented."""
    with FreshServer(tmp_path, "--releases", served_store.root) as server:
        server.ready()
        # The first passes fill the caches of routes and of Python.
        _fuzz(server, tmp_path, seed=1, examples=40)
        _fuzz(server, tmp_path, seed=3, examples=40, known=True)
        before = server.memory()
        # /readyz answers 503 until a release is loaded; that is no error of the fuzzing.
        so_far = len(server.log())
        _fuzz(server, tmp_path, seed=2, examples=70)
        lines = [entry for entry in server.log()[so_far:] if entry["message"] == "request"]
        assert len(lines) >= CASES
        assert not [entry for entry in lines if entry["status"] >= 500]
        grown = server.memory() - before
        assert grown < 20_000_000, grown
        assert server.predict({"isbn": KNOWN[0]}).status_code == 200


def _fuzz(server, folder: Path, seed: int, examples: int, known: bool = False) -> None:
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG.format(isbn=f'parameters."path.isbn" = "{KNOWN[1]}"' if known else ""))
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config)),
            *("run", f"{server.url}/openapi.json", "--seed", str(seed)),
            *("--max-examples", str(examples), "--phases", "examples,coverage,fuzzing"),
            # A request that hangs is a failure.
            *("--request-timeout", "10", "--generation-database", "none", "--no-color"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
