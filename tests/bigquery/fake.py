"""A stand-in for BigQuery's REST API on loopback: a real server, with DuckDB behind it.

It knows the calls that the project makes: jobs (query, load by resumable upload), results of
queries, and tables. Google's client is unmodified. It proves requests, types,
replacement of tables and partitions, and what happens after faults. It does not prove IAM, quotas,
costs, or BigQuery's own validation beyond what the service checks.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa

from tests.bigquery.service import ApiError, Service, fields_of

_PAGE = 500


def cells(table: pa.Table, start: int) -> list[dict[str, Any]]:
    """Return a page of rows as the API has them."""
    return [
        {"f": [{"v": _cell(value)} for value in row.values()]}
        for row in table.slice(start, _PAGE).to_pylist()
    ]


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)


class Handler(BaseHTTPRequestHandler):
    """Answers requests; the server has the service."""

    protocol_version = "HTTP/1.1"
    # Headers and content are two writes: the second would wait 40 ms for the first one's receipt.
    disable_nagle_algorithm = True
    service: Service

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def _answer(self, method: str) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path)
        request = f"{method} {unquote(path.path)}"
        query = {key: values[0] for key, values in parse_qs(path.query).items()}
        with self.service.lock:
            self.service.requests.append(request)
            try:
                self.service.fault(request, after=False)
                status, headers, body = self._route(request, query, content)
                self.service.fault(request, after=True)
            except ApiError as error:
                status, headers, body = error.status, {}, error.body()
        answer = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _route(
        self, request: str, query: Mapping[str, str], content: bytes
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        service = self.service
        if "/upload/" in request:
            return self._upload(request, query, content)
        found = re.search(r"/projects/([^/]+)(/.*)$", request)
        assert found, request
        project, rest = found.groups()
        if request.startswith("POST") and rest == "/jobs":
            return 200, {}, self._done(service.insert_job(json.loads(content)))
        if job := re.fullmatch(r"/jobs/([^/]+)", rest):
            return 200, {}, self._done(service.jobs[job[1]])
        if job := re.fullmatch(r"/queries/([^/]+)", rest):
            return 200, {}, self._results(job[1], query)
        if table := re.fullmatch(r"/datasets/([^/]+)/tables/([^/]+)", rest):
            return 200, {}, self._table(project, *table.groups())
        if data := re.fullmatch(r"/datasets/_results/tables/([^/]+)/data", rest):
            return 200, {}, self._page(service.results[data[1]], query)
        raise ApiError(501, "notImplemented", f"The stand-in does not know {request}")

    def _done(self, job: dict[str, Any]) -> dict[str, Any]:
        """Return a job with the address of its result."""
        if "query" in job["configuration"]:
            job["configuration"]["query"]["destinationTable"] = {
                "projectId": "books-test",
                "datasetId": "_results",
                "tableId": job["id"],
            }
            job["statistics"] = {"query": {"statementType": "SELECT"}}
        return job

    def _results(self, identity: str, query: Mapping[str, str]) -> dict[str, Any]:
        job = self.service.jobs[identity]
        if "errorResult" in job["status"]:
            error = job["status"]["errorResult"]
            raise ApiError(400, error["reason"], error["message"])
        result = self.service.results[identity]
        page = {} if query.get("maxResults") == "0" else self._page(result, query)
        return page | {
            "jobComplete": True,
            "jobReference": job["jobReference"],
            "schema": {"fields": fields_of(result)},
            "totalRows": str(result.num_rows),
        }

    def _page(self, rows: pa.Table, query: Mapping[str, str]) -> dict[str, Any]:
        start = int(query.get("pageToken") or query.get("startIndex") or 0)
        page: dict[str, Any] = {"rows": cells(rows, start), "totalRows": str(rows.num_rows)}
        if start + _PAGE < rows.num_rows:
            page["pageToken"] = str(start + _PAGE)
        return page

    def _table(self, project: str, dataset: str, table: str) -> dict[str, Any]:
        found = self.service.table(f"{project}.{dataset}.{table}")
        reference = {"projectId": project, "datasetId": dataset, "tableId": table}
        return {
            "tableReference": reference,
            "schema": {"fields": found.fields},
            "numRows": str(found.rows.num_rows),
            "lastModifiedTime": str(1_700_000_000_000 + found.modified),
            "type": "TABLE",
            **found.options,
        }

    def _upload(
        self, request: str, query: Mapping[str, str], content: bytes
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        service = self.service
        if request.startswith("POST"):
            upload = str(uuid.uuid4())
            service.uploads[upload] = json.loads(content)
            host = self.headers["Host"]
            path = f"{urlsplit(self.path).path}?uploadType=resumable&upload_id={upload}"
            return 200, {"Location": f"http://{host}{path}"}, {}
        return 200, {}, service.insert_job(dict(service.uploads[query["upload_id"]]), content)


@contextmanager
def serving() -> Iterator[tuple[str, Service]]:
    """Serve on loopback; yields the address and what the server holds."""
    service = Service()
    handler = type("OneHandler", (Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", service
    finally:
        server.shutdown()
        server.server_close()
