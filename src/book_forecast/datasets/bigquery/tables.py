"""Tables that are written to BigQuery beside their file."""

from __future__ import annotations

import datetime as dt
import logging
import tempfile
import uuid
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from book_forecast.datasets.atomic import AtomicParquetDataset
from book_forecast.datasets.bigquery.connection import LABELS, Connection, explained
from book_forecast.datasets.bigquery.names import check_column
from book_forecast.datasets.bigquery.table_schema import fit, schema_of, to_arrow
from book_forecast.storage.errors import UserError

if TYPE_CHECKING:
    from google.cloud.bigquery import LoadJob, LoadJobConfig, Table

logger = logging.getLogger(__name__)

AS_OF = "as_of"
"""The column that names the run of a row, where a table has the rows of several runs."""


class BigQueryTableDataset(AtomicParquetDataset):
    """A table in one Parquet file, and the same rows in BigQuery.

    The file comes first, and everything in the project reads it. One load job then replaces the
    table, or the partition of this run; BigQuery shows all of its rows or none. `pandas-gbq`, which
    kedro-datasets uses, deletes a table before it writes it again.

    Example:
        ```yaml
        forecasts:
          type: book_forecast.datasets.BigQueryTableDataset
          filepath: "${_root}/07_model_output/forecasts.parquet"
          bigquery: {project: my-project, dataset: books}
          table: forecasts
          as_of: cutoff
          cluster: [isbn]
        ```
    """

    def __init__(
        self,
        *,
        bigquery: dict[str, Any],
        table: str,
        as_of: str | None = None,
        partition: str | None = None,
        cluster: Sequence[str] = (),
        **options: Any,
    ) -> None:
        """Check the options; nothing is connected yet.

        Args:
            bigquery: Project, dataset and more, see `ConnectionOptions`.
            table: The table; it is created if need be, its dataset is not.
            as_of: A column of dates; the newest one names the run. The table has it in the
                column ``as_of``, by which it is partitioned, and the rows of other runs stay.
            partition: A column of dates by which a table is partitioned that is replaced whole.
            cluster: Up to four columns by which its rows are sorted.
            options: Those of the file.
        """
        super().__init__(**options)
        self._connection = Connection(bigquery)
        self._table = self._connection.table(table)
        if as_of and partition:
            raise UserError(f"The entry of table {table} has as_of and partition: choose one.")
        for column, option in ((as_of, "as_of"), (partition, "partition")):
            if column:
                check_column(column, option)
        for column in cluster:
            check_column(column, "cluster")
        self._as_of, self._cluster = as_of, list(cluster)
        self._partition = AS_OF if as_of else partition

    def save(self, data: pd.DataFrame) -> None:
        """Replace the file, then the table or the partition of this run.

        Raises:
            UserError: BigQuery refuses, or the table has another form. The table is unchanged.
        """
        super().save(data)
        existing = self._connection.find(self._table)
        if data.empty and (existing is None or self._as_of):
            logger.info("There are no rows for BigQuery table %s", self._table)
            return
        self._check_partition(existing)
        run = pd.Timestamp(data[self._as_of].max()).date() if self._as_of else None
        if data.empty and existing is not None:
            rows = fit(pa.table({}), existing, replaces_all=False)
        else:
            rows = self._rows(data, run, existing)
        self._write_rows(rows, run)
        where = f", partition {run}" if run else ""
        logger.info("Wrote %s rows to BigQuery table %s%s", f"{len(data):,}", self._table, where)

    def _rows(self, data: pd.DataFrame, run: dt.date | None, existing: Table | None) -> pa.Table:
        rows = to_arrow(data)
        if run:
            runs = pa.array([run], pa.date32()).take(pa.array([0] * len(data), pa.int32()))
            rows = rows.append_column(AS_OF, runs)
        return rows if existing is None else fit(rows, existing, replaces_all=run is None)

    def _write_rows(self, rows: pa.Table, run: dt.date | None) -> None:
        name = f"{self._table}${run:%Y%m%d}" if run else str(self._table)
        unchanged = f"The table is unchanged, and the rows are in {self._filepath}."
        with (
            tempfile.TemporaryFile() as file,
            explained(f"BigQuery table {self._table}", unchanged),
        ):
            pq.write_table(rows, file)
            self._run_job(file, name, self._job_config(rows, run))

    def _run_job(self, file: IO[bytes], name: str, config: LoadJobConfig) -> None:
        from google.api_core.exceptions import Conflict

        client, job_id = self._connection.client, f"book_forecast_{uuid.uuid4()}"
        try:
            job: LoadJob | Any = client.load_table_from_file(
                file,
                name,
                rewind=True,
                num_retries=self._connection.upload_retries,
                job_id=job_id,
                job_config=config,
            )
        except Conflict:
            # The answer to the first of two requests was lost; the job was started.
            job = client.get_job(job_id, location=self._connection.options.location)
        job.result(retry=self._connection.retry)

    def _job_config(self, rows: pa.Table, run: dt.date | None) -> LoadJobConfig:
        from google.cloud.bigquery import LoadJobConfig, TimePartitioning

        config = LoadJobConfig(
            source_format="PARQUET",
            schema=schema_of(rows),
            create_disposition="CREATE_IF_NEEDED",
            write_disposition="WRITE_TRUNCATE",
            labels=LABELS,
        )
        if self._cluster:
            config.clustering_fields = self._cluster
        if self._partition:
            config.time_partitioning = TimePartitioning(field=self._partition)
        if run:
            # Another level of the intervals is another column.
            config.schema_update_options = ["ALLOW_FIELD_ADDITION"]
        return config

    def _check_partition(self, existing: Table | None) -> None:
        if existing is None:
            return
        found = existing.time_partitioning.field if existing.time_partitioning else None
        if found != self._partition:
            raise UserError(
                f"BigQuery table {self._table} is partitioned by {found or 'nothing'}, and not by "
                f"{self._partition or 'nothing'}. Rename or copy it, or name another one; it is "
                "unchanged."
            )

    def _describe(self) -> dict[str, Any]:
        return super()._describe() | {"table": str(self._table)}
