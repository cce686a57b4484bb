"""A stand-in for Vertex's REST endpoint: remembers jobs and schedules, and reports their state."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

_DONE = {"done": True, "response": {"@type": "type.googleapis.com/google.protobuf.Empty"}}
_COLLECTION = re.compile(r"^/v1/(projects/[^/]+/locations/[^/]+/(pipelineJobs|schedules))$")


class FakeVertex:
    """What was submitted.

    Attributes:
        url: Of the endpoint.
        jobs: Pipeline jobs by id, as they were posted, with a state.
        schedules: In the order in which they were made.
        ended: Names of the schedules that were deleted.
        others: Requests for anything else, which nobody should make.
    """

    def __init__(self) -> None:
        self.url = ""
        self.jobs: dict[str, dict[str, Any]] = {}
        self.schedules: list[dict[str, Any]] = []
        self.ended: list[str] = []
        self.others: list[str] = []

    def last(self) -> dict[str, Any]:
        """The job that was submitted last."""
        return list(self.jobs.values())[-1]

    def end(self, job: dict[str, Any], *, succeeded: bool) -> None:
        """Let a job have ended."""
        job["state"] = f"PIPELINE_STATE_{'SUCCEEDED' if succeeded else 'FAILED'}"
        job["endTime"] = _now()

    def post(self, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> Any:
        match = _COLLECTION.match(path)
        if match is None:
            self.others.append(path)
            return None
        kind = match[2]
        ids = query.get("pipelineJobId", [f"{len(self.schedules) + 1}"])
        made = body | {"name": f"{match[1]}/{ids[0]}", "createTime": _now()}
        if kind == "schedules":
            made["state"] = "ACTIVE"
            self.schedules.append(made)
        else:
            made |= {"state": "PIPELINE_STATE_RUNNING", "startTime": _now()}
            self.jobs[ids[0]] = made
        return made

    def get(self, path: str, query: dict[str, list[str]]) -> Any:
        if (match := _COLLECTION.match(path)) and match[2] == "schedules":
            (wanted,) = query["filter"]
            found = [s for s in self.schedules if wanted == f'display_name="{s["displayName"]}"']
            return {"schedules": found}
        return next((j for j in self.jobs.values() if path == f"/v1/{j['name']}"), None)

    def delete(self, path: str) -> Any:
        for schedule in self.schedules:
            if path == f"/v1/{schedule['name']}":
                self.schedules.remove(schedule)
                self.ended.append(schedule["displayName"])
                return _DONE | {"name": f"{schedule['name']}/operations/1"}
        return None


@contextmanager
def fake_vertex() -> Iterator[FakeVertex]:
    """Serve the endpoint on a thread of this process."""
    vertex = FakeVertex()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._answer(vertex.get(parts.path, parse_qs(parts.query)))

        def do_DELETE(self) -> None:
            self._answer(vertex.delete(urlsplit(self.path).path))

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(vertex.post(parts.path, parse_qs(parts.query), json.loads(body)))

        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self, content: Any) -> None:
            data = json.dumps(content if content is not None else {"error": {}}).encode()
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vertex.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield vertex
    finally:
        server.shutdown()
        server.server_close()


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
