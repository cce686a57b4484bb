"""ZenML's server stops in the middle of a run, and starts again or stays away."""

import itertools
import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from runner_testing.loopback import JsonHandler, served
from runner_testing.projects import write_files
from runner_testing.small import small_files
from runner_testing.warm import Command
from tests import processes
from tests.vertex.executors import ROOT
from tests.vertex.servers import ZenmlServer

pytest_plugins = ("tests.vertex.shared",)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# Nodes that wait until the test has done to the server what it is to do.
REGISTRY = """
import os, time
from pathlib import Path


def pause(name):
    if name in os.environ.get("PAUSES", ""):
        Path(name).touch()
        while Path(name).exists():
            time.sleep(0.01)


def first(count): return {"numbers": list(range(count))}


def second(numbers):
    pause("second")
    return {"sum": sum(numbers["numbers"])}


def third(total):
    pause("third")
    return {"twice": 2 * total["sum"]}


def register_pipelines():
    return {"__default__": Pipeline([
        node(first, "params:count", "numbers", name="first"),
        node(second, "numbers", "total", name="second"),
        node(third, "total", "twice", name="third"),
    ])}
"""
RESULTS = {"numbers": {"numbers": [0, 1, 2, 3]}, "total": {"sum": 6}, "twice": {"twice": 12}}
CATALOG = "".join(
    f"{name}: {{type: json.JSONDataset, filepath: data/{name}.json}}\n" for name in RESULTS
)
NUMBERS = itertools.count(1)
ZENML = "stacks: {local: {type: local}}\nmodels: {__default__: NAME}\n"


@dataclass
class Shop:
    """A project whose commands know the server by an address.

    Attributes:
        server: Where its runs are.
        folder: The project's.
        url: The address.
    """

    server: ZenmlServer
    folder: Path
    url: str

    def start(self, *arguments: str, **variables: str) -> Command:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder.parent),
            "PYTHONPATH": str(ROOT / "zenml_runner/src"),
            "COLUMNS": "200",
            "ZENML_ANALYTICS_OPT_IN": "false",
            "ZENML_CONFIG_PATH": str(self.folder.parent / "client"),
            "ZENML_STORE_URL": self.url,
            "ZENML_STORE_API_KEY": self.server.api_key,
        }
        words = ["-m", "zenml_runner", "run", "--project", str(self.folder), *arguments]
        return processes.cloud.start(words, self.folder, environment | variables)

    def run(
        self, *arguments: str, patience: int = 600, **meanwhile: Callable[[], None]
    ) -> tuple[int, str]:
        """Run the pipeline, and do something while nodes run, by their names."""
        command = self.start(
            *arguments, PAUSES=",".join(meanwhile), ZENML_RUNNER_PATIENCE=str(patience)
        )
        for name, act in meanwhile.items():
            while not (self.folder / name).exists():
                assert command.poll() is None, command.communicate()[0]
                time.sleep(0.01)
            act()
            (self.folder / name).unlink()
        output, _ = command.communicate()
        return command.wait(), output

    def data(self) -> dict[str, Any]:
        return {p.stem: json.loads(p.read_text()) for p in (self.folder / "data").iterdir()}

    def versions(self) -> Counter[str]:
        """How many versions of each artifact there are."""
        mine = [v for v in self._all("artifact_versions") if str(self.folder) in v["body"]["uri"]]
        return Counter(version["body"]["artifact"]["name"] for version in mine)

    def models(self) -> int:
        """How many versions of the project's model there are."""
        names = [found["body"]["model"]["name"] for found in self._all("model_versions")]
        return names.count(self.folder.parent.name)

    def runs(self) -> list[str]:
        """The states of the project's runs."""
        tag = f"kedro:{self.folder.parent.name}:"
        return [
            run["body"]["status"]
            for run in self._all("runs")
            if any(known.startswith(tag) for known in run["metadata"]["config"]["tags"])
        ]

    def _all(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.server.get(kind, size="1000", hydrate="true")["items"]
        return found


@pytest.fixture
def shop(shared_zenml: ZenmlServer, tmp_path: Path) -> Shop:
    # Models have unique names in the server.
    name = f"shop{next(NUMBERS)}"
    files = small_files(
        REGISTRY, CATALOG, parameters="count: 4\n", package=name, zenml=ZENML.replace("NAME", name)
    )
    return Shop(shared_zenml, write_files(tmp_path / name / "project", files), shared_zenml.url)


def restart(server: ZenmlServer, how: signal.Signals) -> Callable[[], None]:
    def act() -> None:
        server.stop(how)
        server.begin()

    return act


def once(*names: str) -> Counter[str]:
    return Counter(names or list(RESULTS))


def test_a_run_waits_for_a_server_that_starts_again_and_each_result_is_recorded_once(
    shop: Shop,
) -> None:
    code, output = shop.run(
        second=restart(shop.server, signal.SIGTERM), third=restart(shop.server, signal.SIGKILL)
    )
    shop.server.wait()
    assert code == 0, output
    assert output.count("answers again") == 2
    assert "Traceback" not in output
    assert shop.data() == RESULTS
    assert (shop.versions(), shop.models()) == (once(), 1)
    assert shop.runs() == ["completed"]


def test_a_run_whose_server_stays_away_keeps_its_data_and_names_the_command_that_goes_on(
    shop: Shop,
) -> None:
    code, output = shop.run(second=lambda: shop.server.stop(signal.SIGKILL), patience=1)
    assert code == 1, output
    last = output[output.index("Error: ") :]
    assert last.startswith(f"Error: The ZenML server {shop.url} does not answer: start it")
    assert "What the steps have written is kept." in last
    assert "Traceback" not in output
    assert "cannot record" not in output
    assert shop.data() == {name: RESULTS[name] for name in ("numbers", "total")}

    shop.server.start()
    assert shop.versions() == once("numbers")
    resume = re.search(r"--resume (\S+)", last)
    assert resume is not None
    code, output = shop.run("--resume", resume[1])
    assert code == 0, output
    assert "All 2 steps done" in output
    assert shop.data() == RESULTS
    assert shop.versions() == once()
    assert sorted(shop.runs()) == ["completed", "failed"]


def test_answers_that_are_lost_make_nothing_twice(shop: Shop) -> None:
    lossy = Lossy(shop.url.removeprefix("http://"))
    with served(Losing, lossy) as place:
        code, output = replace(shop, url=f"http://{place}").run()
    assert code == 0, output
    # The run, and its steps with their artifacts, metadata and ends.
    assert lossy.lost > {"POST runs", "POST steps", "POST artifact_versions", "POST run-metadata"}
    assert "PUT steps" in lossy.lost
    assert shop.data() == RESULTS
    assert (shop.versions(), shop.models()) == (once(), 1)
    assert shop.runs() == ["completed"]


class Losing(JsonHandler):
    """Passes requests on, and loses the first answer to each that changes something."""

    api: "Lossy"

    def get(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = HTTPConnection(self.api.target, timeout=600)
        connection.request(self.command, self.path, content, dict(self.headers.items()))
        found = connection.getresponse()
        content = found.read()
        key = self.headers.get("Idempotency-Key")
        if self.command != "GET" and key is not None and key not in self.api.keys:
            self.api.keys.add(key)
            self.api.lost.add(f"{self.command} {self.path.split('/')[3]}")
            self.close_connection = True
        else:
            self.send_response(found.status)
            # The client authenticates when the server asks it to.
            for name in ("Content-Type", "WWW-Authenticate"):
                if name in found.headers:
                    self.send_header(name, found.headers[name])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    post = put = delete = get


@dataclass
class Lossy:
    """What `Losing` knows.

    Attributes:
        target: Host and port of the server.
        keys: Of requests whose answer was lost.
        lost: Method and kind of these requests.
    """

    target: str
    keys: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
