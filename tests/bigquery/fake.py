"""A stand-in for BigQuery's REST API on loopback: a real server, with DuckDB behind it.

It knows the calls that the project makes: jobs (query, load by resumable upload), results of
queries, and tables. Google's client is unmodified. It proves requests, types,
replacement of tables and partitions, and what happens after faults. It does not prove IAM, quotas,
costs, or BigQuery's own validation beyond what `_load` and `_query` check.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

_KINDS = {
    pa.string(): "STRING",
    pa.date32(): "DATE",
    pa.int64(): "INTEGER",
    pa.int32(): "INTEGER",
    pa.float64(): "FLOAT",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us"): "DATETIME",
}
_EPOCH = dt.datetime(1970, 1, 1)
_PAGE = 500


class ApiError(Exception):
    """An error as BigQuery words it."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason

    def body(self) -> dict[str, Any]:
        """The body of the answer."""
        errors = [{"reason": self.reason, "message": str(self), "domain": "global"}]
        return {"error": {"code": self.status, "message": str(self), "errors": errors}}


@dataclass
class Fault:
    """An error in place of the answers to some requests.

    Attributes:
        path: A regular expression that the method and path match, as in ``POST /upload``.
        error: The error.
        times: Number of requests that it befalls.
        after: Whether the work is done first, and only the answer is lost.
    """

    path: str
    error: ApiError
    times: int = 1
    after: bool = False


@dataclass
class Table:
    """A table with its rows.

    Attributes:
        fields: As the API has them.
        rows: The rows.
        options: Partitioning, clustering and the like.
        modified: Number of changes of the whole service when it changed last.
    """

    fields: list[dict[str, Any]]
    rows: pa.Table
    options: dict[str, Any] = field(default_factory=dict)
    modified: int = 0


class Service:
    """What the server holds."""

    def __init__(self) -> None:
        self.datasets: set[str] = set()
        self.tables: dict[str, Table] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.results: dict[str, pa.Table] = {}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.queries: list[dict[str, Any]] = []
        self.uploads: dict[str, dict[str, Any]] = {}
        self.changes = 0
        self.lock = threading.RLock()

    def fault(self, request: str, *, after: bool) -> None:
        """Raise the error that a request is to end with."""
        for fault in self.faults:
            if fault.times and fault.after == after and re.search(fault.path, request):
                fault.times -= 1
                raise fault.error

    def put(
        self, name: str, rows: pa.Table, fields: list[dict[str, Any]] | None = None, **options: Any
    ) -> None:
        """Create or replace ``project.dataset.table``."""
        self.datasets.add(name.rpartition(".")[0])
        self.changes += 1
        self.tables[name] = Table(fields or fields_of(rows), rows, options, self.changes)

    def table(self, name: str) -> Table:
        """Return a table, or raise the API's error."""
        project, dataset, table = name.split(".")
        if f"{project}.{dataset}" not in self.datasets:
            raise ApiError(404, "notFound", f"Not found: Dataset {project}:{dataset}")
        if name not in self.tables:
            raise ApiError(404, "notFound", f"Not found: Table {project}:{dataset}.{table}")
        return self.tables[name]

    def insert_job(self, job: dict[str, Any], content: bytes = b"") -> dict[str, Any]:
        """Run a job to its end and return it."""
        reference = job.setdefault("jobReference", {})
        identity = reference.setdefault("jobId", str(uuid.uuid4()))
        if identity in self.jobs:
            raise ApiError(409, "duplicate", f"Already Exists: Job {identity}")
        status: dict[str, Any] = {"state": "DONE"}
        try:
            if "query" in job["configuration"]:
                self.results[identity] = self._query(job["configuration"]["query"])
            else:
                self._load(job["configuration"]["load"], content)
        except ApiError as error:
            status["errorResult"] = {"reason": error.reason, "message": str(error)}
            status["errors"] = [status["errorResult"]]
        job |= {"kind": "bigquery#job", "id": identity, "status": status, "statistics": {}}
        self.jobs[identity] = job
        return job

    def _query(self, options: Mapping[str, Any]) -> pa.Table:
        self.queries.append(dict(options))
        parsed = sqlglot.parse_one(options["query"], read="bigquery")
        values = {each["name"]: each for each in options.get("queryParameters", [])}
        for node in list(parsed.find_all(exp.Parameter)):
            found = values[node.name]
            kind, value = found["parameterType"]["type"], found["parameterValue"]["value"]
            node.replace(sqlglot.parse_one(f"CAST('{value}' AS {kind})", read="bigquery"))
        connection = duckdb.connect()
        try:
            for table in list(parsed.find_all(exp.Table)):
                name = ".".join(part.name for part in table.parts)
                if name.count(".") == 2:
                    found_table = self.table(name)
                    self._check_filter(found_table, parsed, name)
                    connection.register("t" + str(len(name)), found_table.rows)
                    table.replace(exp.to_table("t" + str(len(name)), alias=table.alias or None))
            result = connection.sql(parsed.sql(dialect="duckdb")).to_arrow_table()
        except duckdb.Error as error:
            raise ApiError(400, "invalidQuery", str(error).partition("\n")[0]) from error
        finally:
            connection.close()
        billed = options.get("maximumBytesBilled")
        if billed is not None and result.nbytes > int(billed):
            raise ApiError(400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed")
        return plain(result)

    def _check_filter(self, table: Table, parsed: exp.Expr, name: str) -> None:
        column = table.options.get("timePartitioning", {}).get("field")
        filters = " ".join(where.sql() for where in parsed.find_all(exp.Where))
        if table.options.get("requirePartitionFilter") and f'"{column}"' not in filters.replace(
            "`", '"'
        ):
            raise ApiError(
                400,
                "invalidQuery",
                f"Cannot query over table {name} without a filter over {column}",
            )

    def _load(self, options: Mapping[str, Any], content: bytes) -> None:
        to = options["destinationTable"]
        table, _, partition = to["tableId"].partition("$")
        name = f"{to['projectId']}.{to['datasetId']}.{table}"
        if name.rpartition(".")[0] not in self.datasets:
            raise ApiError(404, "notFound", f"Not found: Dataset {name.rpartition('.')[0]}")
        try:
            rows = pq.read_table(io.BytesIO(content))
        except pa.ArrowException as error:
            raise ApiError(400, "invalid", f"Error while reading data: {error}") from error
        fields = options["schema"]["fields"]
        if [each["name"] for each in fields] != rows.column_names:
            raise ApiError(400, "invalid", "Provided Schema does not match the file")
        known = {key: options[key] for key in ("timePartitioning", "clustering") if key in options}
        existing = self.tables.get(name)
        if existing and existing.options.get("timePartitioning", {}).get("field") != known.get(
            "timePartitioning", {}
        ).get("field"):
            raise ApiError(400, "invalid", "Cannot replace a table with a different partitioning")
        if partition:
            rows = self._into_partition(name, rows, fields, partition, options)
        self.put(name, rows, fields, **(existing.options if existing else {}) | known)

    def _into_partition(
        self,
        name: str,
        rows: pa.Table,
        fields: list[dict[str, Any]],
        partition: str,
        options: Mapping[str, Any],
    ) -> pa.Table:
        """Return all rows of a table after those of one partition are replaced."""
        column = options["timePartitioning"]["field"]
        day = dt.datetime.strptime(partition, "%Y%m%d").date()
        if set(rows.column(column).to_pylist()) - {day}:
            raise ApiError(400, "invalid", f"Some rows belong to another partition than {day}")
        existing = self.tables.get(name)
        if existing is None:
            return rows
        was = {each["name"]: each["type"] for each in existing.fields}
        now = {each["name"]: each["type"] for each in fields}
        may_add = "ALLOW_FIELD_ADDITION" in options.get("schemaUpdateOptions", [])
        for field_name, kind in was.items():
            if now.get(field_name) != kind:
                raise ApiError(400, "invalid", f"Provided Schema does not match: {field_name}")
        if not may_add and set(now) - set(was):
            raise ApiError(400, "invalid", "Provided Schema does not match: cannot add fields")
        mask = [value != day for value in existing.rows.column(column).to_pylist()]
        kept = existing.rows.filter(pa.array(mask, pa.bool_()))
        return pa.concat_tables([kept, rows], promote_options="default")


def plain(table: pa.Table) -> pa.Table:
    """Return a result with the types of `_KINDS`; DuckDB has sums of integers as huge ones."""
    columns = {}
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_null(column.type) or pa.types.is_large_string(column.type):
            column = column.cast(pa.string())
        elif pa.types.is_integer(column.type):
            column = column.cast(pa.int64())
        columns[name] = column
    return pa.table(columns)


def fields_of(table: pa.Table) -> list[dict[str, Any]]:
    """Return the fields of a table as the API has them."""
    return [
        {
            "name": each.name,
            "type": "NUMERIC" if pa.types.is_decimal(each.type) else _KINDS[each.type],
            "mode": "NULLABLE",
        }
        for each in table.schema
    ]


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
