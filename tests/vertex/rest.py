"""A stand-in for Vertex's REST endpoint: remembers jobs and schedules, and reports their state."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from runner_testing.loopback import JsonHandler, served

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


class _Handler(JsonHandler):
    api: FakeVertex

    def get(self) -> None:
        parts = urlsplit(self.path)
        self._found(self.api.get(parts.path, parse_qs(parts.query)))

    def delete(self) -> None:
        self._found(self.api.delete(urlsplit(self.path).path))

    def post(self) -> None:
        parts = urlsplit(self.path)
        self._found(self.api.post(parts.path, parse_qs(parts.query), self.body()))

    def _found(self, content: Any) -> None:
        self.answer({"error": {}} if content is None else content, 404 if content is None else 200)


@contextmanager
def fake_vertex() -> Iterator[FakeVertex]:
    """Serve the endpoint on a thread of this process."""
    vertex = FakeVertex()
    with served(_Handler, vertex) as address:
        vertex.url = f"http://{address}"
        yield vertex


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
