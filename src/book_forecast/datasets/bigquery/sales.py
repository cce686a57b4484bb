"""Sales in a table or from a query, read as one more export."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

import pyarrow as pa
import pyarrow.parquet as pq
from kedro.io.core import AbstractDataset, DatasetError

from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers.parquet_reader import read_parquet
from book_forecast.bookscan.rows import RawRows
from book_forecast.datasets.bigquery.connection import LABELS, Connection, explained
from book_forecast.datasets.bigquery.names import check_column, quote_column
from book_forecast.datasets.bigquery.sales_schema import check_sales_schema, simple_fields
from book_forecast.storage.errors import UserError

if TYPE_CHECKING:
    from google.cloud.bigquery import QueryJobConfig, Table
    from google.cloud.bigquery.table import RowIterator, _EmptyRowIterator

logger = logging.getLogger(__name__)

TABLE = "${sales_table}"
"""What a file with a query has in place of the table's name."""

_EARLIEST = dt.date(1, 1, 1)
_AS_DATE = {"DATE": "@since", "TIMESTAMP": "TIMESTAMP(@since)", "DATETIME": "DATETIME(@since)"}
_PSEUDO = {"_PARTITIONDATE": "DATE", "_PARTITIONTIME": "TIMESTAMP"}
_KINDS = {str: "STRING", bool: "BOOL", int: "INT64", float: "FLOAT64", dt.date: "DATE"}


class BigQuerySales:
    """One table or query in place of a folder of exports."""

    def __init__(self, dataset: BigQuerySalesDataset) -> None:
        """Read nothing yet."""
        self._dataset = dataset

    def files(self) -> list[str]:
        """Return the name of the table or query, by which the parameter ``exports`` knows it."""
        return [self._dataset.name]

    def read(self, file: str, hints: ExportHints) -> Iterator[RawRows]:
        """Read all rows, in an order that depends on their content alone.

        Args:
            file: The one of `files`.
            hints: What the user says about it.

        Raises:
            UserError: BigQuery refuses, or a field is absent or of another type.
        """
        with tempfile.TemporaryDirectory(prefix="book_forecast_") as folder:
            path = Path(folder) / "sales.parquet"
            self._dataset.download(path, hints)
            yield from read_parquet(path, file, hints)


class BigQuerySalesDataset(AbstractDataset[Never, BigQuerySales]):
    """Sales in BigQuery, which ingest reads as it reads exports.

    kedro-datasets' types return a frame, which has lost the types that the parser looks at.

    Example:
        ```yaml
        sales_exports:
          type: book_forecast.datasets.BigQuerySalesDataset
          bigquery: {project: my-project, dataset: books}
          table: sales
          since: 2015-01-01
        ```
    """

    def __init__(
        self,
        *,
        bigquery: dict[str, Any],
        table: str,
        filepath: str | None = None,
        since: str | dt.date | None = None,
        partition: str | None = None,
        parameters: Mapping[str, str | float | dt.date] | None = None,
        maximum_bytes_billed: int | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Check the options; nothing is read.

        Args:
            bigquery: Project, dataset and more, see `ConnectionOptions`.
            table: The table with the sales.
            filepath: A ``.sql`` file with a query in place of the table; it has ``${sales_table}``
                in place of the table's name, and the parameter ``@since``.
            since: The first day that is read; None for all.
            partition: The column that `since` filters by; None for the one with the week's end.
            parameters: More parameters of the query, by name.
            maximum_bytes_billed: A query that reads more fails without costs.
            metadata: For plugins; not used here.
        """
        self._connection = Connection(bigquery)
        self._table = self._connection.table(table)
        self._query = Path(filepath) if filepath else None
        self._since = _day(since)
        self._partition = partition
        if partition:
            check_column(partition, "partition of sales_exports")
        self._parameters = dict(parameters or {})
        for name, value in self._parameters.items():
            check_column(name, "parameters of sales_exports")
            if type(value) not in _KINDS:
                raise UserError(
                    f"The parameter {name} of sales_exports is {value!r}: a query takes a text, a "
                    "number, true or false, or a day such as 2015-01-31."
                )
        self._limit = maximum_bytes_billed
        self.metadata = metadata

    @property
    def name(self) -> str:
        """The name of the query's file, or that of the table with its dataset."""
        return self._query.name if self._query else f"{self._table.dataset}.{self._table.table}"

    @property
    def shown_folder(self) -> str:
        """What messages name in place of a folder."""
        return f"BigQuery table {self._table}"

    def load(self) -> BigQuerySales:
        """Return the sales, which are read when they are asked for."""
        return BigQuerySales(self)

    def save(self, data: Never) -> None:  # noqa: ARG002 - Kedro's signature
        """Raise a `DatasetError`."""
        raise DatasetError("BigQuerySalesDataset only reads: its table is an input")

    def listing(self) -> dict[str, str]:
        """Return what identifies the content of the table, and of the query if there is one."""
        found = self._connection.find(self._table)
        if found is None:
            return {}
        text = self._text(self._query) if self._query else ""
        query = hashlib.sha256(text.encode()).hexdigest()[:16] if text else ""
        stamp = f"{found.modified:%Y-%m-%dT%H:%M:%S.%f} {found.num_rows} {self._since} {query}"
        return {self.name: stamp.strip()}

    def download(self, path: Path, hints: ExportHints) -> None:
        """Write all rows to a Parquet file, sorted by all columns.

        The order of BigQuery's rows is another one each time, and of texts of one week the last
        holds.

        Args:
            path: The file.
            hints: Columns that the user names.

        Raises:
            UserError: BigQuery refuses, or a field is absent or of another type.
        """
        subject = self._subject
        if self._query:
            sql = self._text(self._query)
        else:
            found = self._connection.find(self._table)
            if found is None:
                raise UserError(
                    f"{subject} is not there. Create it, or correct BOOK_FORECAST_BIGQUERY_SALES."
                )
            sql = self._select(found, hints)
        with explained(subject):
            rows = self._rows(sql)
            check_sales_schema(rows.schema, subject, hints)
            batches = list(rows.to_arrow_iterable())
        table = pa.Table.from_batches(batches)
        logger.info("Read %s rows of %s", f"{table.num_rows:,}", subject)
        order = [(name, "ascending") for name in table.column_names]
        pq.write_table(table.sort_by(order), path)

    @property
    def _subject(self) -> str:
        return f"The query {self._query.name}" if self._query else self.shown_folder

    def _rows(self, sql: str) -> RowIterator | _EmptyRowIterator:
        client, retry = self._connection.client, self._connection.retry

        def run() -> RowIterator | _EmptyRowIterator:
            # The client's own repetition of jobs takes ten minutes, whatever the patience.
            job = client.query(sql, job_config=self._job_config(), retry=retry, job_retry=None)
            return job.result(retry=retry, job_retry=None)

        return self._connection.job_retry(run)()

    def _job_config(self) -> QueryJobConfig:
        from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter

        values = {"since": self._since or _EARLIEST, **self._parameters}
        config = QueryJobConfig(
            query_parameters=[
                ScalarQueryParameter(name, _KINDS[type(value)], value)
                for name, value in values.items()
            ],
            use_legacy_sql=False,
            labels=LABELS,
        )
        if self._limit is not None:
            config.maximum_bytes_billed = self._limit
        return config

    def _text(self, query: Path) -> str:
        try:
            text = query.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
            raise UserError(
                f"The query {query} cannot be read ({reason}). Correct "
                "BOOK_FORECAST_BIGQUERY_QUERY."
            ) from error
        return text.replace(TABLE, self._table.quoted)

    def _select(self, table: Table, hints: ExportHints) -> str:
        """Return the query for the rows of a table, filtered by its partition."""
        fields = simple_fields(table.schema)
        header = check_sales_schema(table.schema, self._subject, hints)
        kinds = {field.name: field.field_type for field in table.schema}
        column = self._partition
        if column is None and "end_date" in header.positions:
            column = table.schema[header.positions["end_date"]].name
        columns = ", ".join(quote_column(field.name) for field in fields)
        sql = f"SELECT {columns} FROM {self._table.quoted}"  # noqa: S608 - checked names
        if column is None:
            return sql
        kind = kinds.get(column) or _PSEUDO.get(column)
        if kind not in _AS_DATE:
            raise UserError(
                f"{self._subject} cannot be filtered by {column}: "
                + (f"it is {kind}, no date." if kind else "there is no such field.")
                + " Correct the option partition."
            )
        quoted = quote_column(column)
        # A row without a date is rejected with a reason, not passed over.
        return f"{sql} WHERE {quoted} >= {_AS_DATE[kind]} OR {quoted} IS NULL"

    def _exists(self) -> bool:
        return self._connection.find(self._table) is not None

    def _describe(self) -> dict[str, Any]:
        return {"table": str(self._table), "query": str(self._query or ""), "since": self._since}


def _day(since: str | dt.date | None) -> dt.date | None:
    if isinstance(since, dt.datetime):
        return since.date()
    if since is None or isinstance(since, dt.date):
        return since
    try:
        return dt.date.fromisoformat(since)
    except ValueError:
        raise UserError(
            f"BOOK_FORECAST_BIGQUERY_SINCE is {since!r}, which is no day: write it as 2015-01-31."
        ) from None
