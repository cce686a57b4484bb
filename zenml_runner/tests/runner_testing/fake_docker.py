"""Stands in for Docker's engine on loopback: a container is a process with the image's project."""

import itertools
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

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
    process: subprocess.Popen[bytes] | None = None
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
    """

    url: str
    containers: dict[str, Container] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    base: dict[str, str] = field(default_factory=dict)

    def create(self, asked: dict[str, Any]) -> str:
        name = f"{next(self.numbers):064x}"
        self.containers[name] = Container(asked)
        return name

    def start(self, name: str) -> None:
        threading.Thread(target=self._run, args=[self.containers[name]], daemon=True).start()

    def _run(self, container: Container) -> None:
        asked = container.asked
        with tempfile.TemporaryDirectory() as disk:
            process = subprocess.Popen(
                [*asked["Entrypoint"], *(asked["Cmd"] or [])],
                env={
                    "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
                    "PYTHONPATH": f"{CONTAINER}:{PACKAGES}",
                    "HOME": disk,
                    "APP": disk,
                    **self.base,
                    **container.environment,
                },
                cwd=disk,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            container.process = process
            container.output, _ = process.communicate()
        container.ended.set()


@contextmanager
def fake_docker(base: Mapping[str, str]) -> Iterator[FakeDocker]:
    """Docker's engine.

    Args:
        base: Environment variables of the image.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    docker = FakeDocker(f"tcp://127.0.0.1:{server.server_port}", base=dict(base))
    server.docker = docker  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield docker
    finally:
        server.shutdown()
        server.server_close()
        for container in docker.containers.values():
            if container.process is not None and container.process.poll() is None:
                container.process.kill()


class _Handler(BaseHTTPRequestHandler):
    """The requests of docker-py's `containers.run`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = re.sub(r"^/v[\d.]+", "", self.path).partition("?")[0]
        if path == "/version":
            self._answer({"ApiVersion": "1.41", "Version": "24.0"})
        elif path == "/_ping":
            self._answer({})
        elif found := re.fullmatch(r"/containers/(\w+)/json", path):
            self._answer(
                {
                    "Id": found[1],
                    "Config": {"Tty": False},
                    "HostConfig": {"LogConfig": {"Type": "json-file"}},
                }
            )
        elif found := re.fullmatch(r"/containers/(\w+)/logs", path):
            container = self._docker.containers[found[1]]
            container.ended.wait()
            frame = struct.pack(">BxxxL", 1, len(container.output)) + container.output
            self._send(frame, "application/octet-stream")
        else:
            self._answer({"message": f"not known here: {path}"}, 404)

    def do_POST(self) -> None:
        path = re.sub(r"^/v[\d.]+", "", self.path).partition("?")[0]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")
        if path == "/containers/create":
            self._answer({"Id": self._docker.create(body), "Warnings": []}, 201)
        elif found := re.fullmatch(r"/containers/(\w+)/start", path):
            self._docker.start(found[1])
            self._send(b"", "application/json", 204)
        elif found := re.fullmatch(r"/containers/(\w+)/wait", path):
            container = self._docker.containers[found[1]]
            container.ended.wait()
            assert container.process is not None
            self._answer({"StatusCode": container.process.returncode})
        else:
            self._answer({"message": f"not known here: {path}"}, 404)

    @property
    def _docker(self) -> FakeDocker:
        docker: FakeDocker = self.server.docker  # type: ignore[attr-defined]
        return docker

    def _answer(self, content: Any, status: int = 200) -> None:
        self._send(json.dumps(content).encode(), "application/json", status)

    def _send(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
