"""Stands in for Docker's engine on loopback: a container is a process with the image's project."""

import itertools
import os
import re
import struct
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner_testing import warm
from runner_testing.loopback import JsonHandler, served

CONTAINER = Path(__file__).parent / "container"
PACKAGES = Path(__file__).parents[2] / "src"


@dataclass
class Container:
    """A container.

    Attributes:
        asked: What the client has sent to create it.
        process: Once it has started.
    """

    asked: dict[str, Any]
    process: warm.Command | None = None
    output: bytes = b""
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def environment(self) -> dict[str, str]:
        return dict(entry.split("=", 1) for entry in self.asked["Env"])


@dataclass
class FakeDocker:
    """The engine.

    Attributes:
        url: For `DOCKER_HOST`.
        containers: By id, in the order of their creation.
        most: Containers that it creates before it fails; any number if None.
    """

    url: str = ""
    containers: dict[str, Container] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    base: dict[str, str] = field(default_factory=dict)
    most: int | None = None

    def create(self, asked: dict[str, Any]) -> str:
        name = f"{next(self.numbers):064x}"
        self.containers[name] = Container(asked)
        return name

    def start(self, name: str) -> None:
        threading.Thread(target=self._run, args=[self.containers[name]], daemon=True).start()

    def _run(self, container: Container) -> None:
        asked = container.asked
        line: list[str] = asked["Entrypoint"] + (asked["Cmd"] or [])
        program, *words = line
        assert program == "python"
        with tempfile.TemporaryDirectory() as disk:
            environment = {
                "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
                "PYTHONPATH": f"{CONTAINER}:{PACKAGES}",
                "HOME": disk,
                "APP": disk,
                **self.base,
                **container.environment,
            }
            container.process = warm.zenml.start(words, Path(disk), environment)
            container.output = container.process.communicate()[0].encode()
        container.ended.set()


@contextmanager
def fake_docker(base: Mapping[str, str]) -> Iterator[FakeDocker]:
    """Docker's engine.

    Args:
        base: Environment variables of the image.
    """
    docker = FakeDocker(base=dict(base))
    with served(_Handler, docker) as address:
        docker.url = f"tcp://{address}"
        try:
            yield docker
        finally:
            for container in docker.containers.values():
                if container.process is not None:
                    container.process.kill()


class _Handler(JsonHandler):
    """The requests of docker-py's `containers.run`."""

    api: FakeDocker

    def get(self) -> None:
        path = re.sub(r"^/v[\d.]+", "", self.path).partition("?")[0]
        if path == "/version":
            self.answer({"ApiVersion": "1.41", "Version": "24.0"})
        elif path == "/_ping":
            self.answer({})
        elif found := re.fullmatch(r"/containers/(\w+)/json", path):
            self.answer(
                {
                    "Id": found[1],
                    "Config": {"Tty": False},
                    "HostConfig": {"LogConfig": {"Type": "json-file"}},
                }
            )
        elif found := re.fullmatch(r"/containers/(\w+)/logs", path):
            container = self.api.containers[found[1]]
            container.ended.wait()
            frame = struct.pack(">BxxxL", 1, len(container.output)) + container.output
            self.send(frame, "application/octet-stream")
        else:
            self.answer({"message": f"not known here: {path}"}, 404)

    def post(self) -> None:
        path = re.sub(r"^/v[\d.]+", "", self.path).partition("?")[0]
        body = self.body()
        if path == "/containers/create":
            if self.api.most is not None and len(self.api.containers) >= self.api.most:
                self.answer({"message": "no space left on device"}, 500)
            else:
                self.answer({"Id": self.api.create(body), "Warnings": []}, 201)
        elif found := re.fullmatch(r"/containers/(\w+)/start", path):
            self.api.start(found[1])
            self.send(b"", "application/json", 204)
        elif found := re.fullmatch(r"/containers/(\w+)/wait", path):
            container = self.api.containers[found[1]]
            container.ended.wait()
            assert container.process is not None
            self.answer({"StatusCode": container.process.wait()})
        else:
            self.answer({"message": f"not known here: {path}"}, 404)
