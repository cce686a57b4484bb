"""What BigQuery's stand-in holds and does: tables, load jobs, and queries that DuckDB runs."""

from __future__ import annotations

import datetime as dt
import io
import re
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
            self.fault("RUN JOB", after=False)
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
            to = exp.DataType.build(kind, dialect="bigquery")
            node.replace(exp.Cast(this=exp.Literal.string(value), to=to))
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
