"""Kedro's single-file datasets with atomic saves: a failed save leaves the old file unchanged.

The stock datasets write into the file that they replace. A failure meanwhile (a column that cannot
be written, a full disk, a kill) leaves an empty or a torn file.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, ClassVar

import pandas as pd
from kedro.io.core import DatasetError, get_filepath_str
from kedro_datasets._typing import TablePreview
from kedro_datasets.json import JSONDataset
from kedro_datasets.pandas import ParquetDataset
from kedro_datasets.plotly import JSONDataset as PlotlyJSONDataset
from kedro_datasets.text import TextDataset
from plotly import graph_objects as go

from book_forecast.execution.lineage import Lineage
from book_forecast.plots.pages import standalone_page
from book_forecast.storage.checked_tables import check_table, is_damage, write_frame
from book_forecast.storage.errors import UserError, find_user_error
from book_forecast.storage.files import replacing

logger = logging.getLogger(__name__)


class AtomicSave:
    """Mixin before a stock dataset; ``_write`` of a subclass writes the data to an open file."""

    REMEDY: ClassVar[str] = "Delete it, and run the pipelines that write it again."
    """What to do about a damaged file."""

    def load(self: Any) -> Any:
        """Read the file.

        Raises:
            UserError: If it is missing or damaged; names it and what to do.
        """
        return self._or_user_error(self._read)

    def _or_user_error(self: Any, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except Exception as error:
            cause = error.__cause__ if isinstance(error, DatasetError) else error
            is_missing = isinstance(cause, FileNotFoundError)
            if not is_missing and not is_damage(cause):
                raise
            path = get_filepath_str(self._get_load_path(), self._protocol)
            if is_missing:
                raise UserError(
                    f"There is no {path}. Run the pipelines that write it, or name another data "
                    "root."
                ) from error
            reason = str(cause).partition("\n")[0]
            raise UserError(f"{path} is damaged ({reason}). {self.REMEDY}") from error

    def _read(self: Any) -> Any:
        return super().load()  # type: ignore[misc]

    def save(self: Any, data: Any) -> None:
        """Replace the file as a whole or not at all."""
        path = get_filepath_str(self._get_save_path(), self._protocol)
        if self._protocol == "file" and Path(path).is_dir():
            raise DatasetError(f"{path} is a folder; remove it to save a file of that name")
        options = self._fs_open_args_save
        with replacing(self._fs, path, options.get("mode", "wb"), options.get("encoding")) as file:
            self._write(data, file)
        self._invalidate_cache()

    def _write(self, data: Any, file: IO[Any]) -> None:
        raise NotImplementedError


class AtomicParquetDataset(AtomicSave, ParquetDataset):
    """A table in one Parquet file with checksums.

    Example:
        ```yaml
        scores:
          type: book_forecast.datasets.AtomicParquetDataset
          filepath: "${_root}/08_reporting/scores.parquet"
          metadata: {kedro-viz: {layer: reporting}}
        ```
    """

    DEFAULT_LOAD_ARGS: ClassVar[dict[str, Any]] = {"page_checksum_verification": True}

    def save(self, data: pd.DataFrame) -> None:
        """Replace the file, unless it has the same content from the same inputs already."""
        new, former = Lineage.of(data.attrs), self.lineage()
        if new and former and new.digest and replace(former, run=new.run) == new:
            return
        super().save(data)

    def _read(self) -> pd.DataFrame:
        with self._checked() as file:
            return pd.read_parquet(file, **self._load_args)

    @contextmanager
    def _checked(self) -> Iterator[IO[bytes]]:
        """Open the table, checked but for its values."""
        path = get_filepath_str(self._get_load_path(), self._protocol)
        # A bucket is asked once, not for each column.
        is_local = self._protocol == "file"
        source = self._fs.open(path, "rb") if is_local else io.BytesIO(self._fs.cat_file(path))
        with source as file:
            self._check(file)
            yield file

    def _check(self, file: IO[bytes]) -> None:
        check_table(file, self._filepath.name)

    def _write(self, data: pd.DataFrame, file: IO[bytes]) -> None:
        write_frame(data, file, self._filepath.name, **self._save_args)

    def lineage(self) -> Lineage | None:
        """Return the run and the inputs that made the file; None if it does not name them."""
        import pyarrow.parquet as pq

        path = get_filepath_str(self._get_load_path(), self._protocol)
        try:
            with self._fs.open(path, "rb") as file:
                described = pq.read_schema(file).metadata or {}
        except (OSError, ValueError):
            return None
        return Lineage.of(json.loads(described.get(b"PANDAS_ATTRS", b"{}")))

    def preview(self, nrows: int = 5) -> TablePreview:
        """Return the first rows; the stock preview reads local files only."""
        import pyarrow.parquet as pq

        path = get_filepath_str(self._get_load_path(), self._protocol)
        with self._fs.open(path, "rb") as file:
            table = pq.ParquetFile(file)
            columns = self._load_args.get("columns")
            batches = table.iter_batches(batch_size=nrows, columns=columns)
            first = next(batches, None)
            frame = (first or table.read(columns=columns)).to_pandas()
        return TablePreview(json.loads(frame.to_json(orient="split", date_format="iso")))


class ReadTableDataset(AtomicParquetDataset):
    """A table that this entry only reads.

    Attributes:
        WRITER: What writes the table.
    """

    WRITER: ClassVar[str] = "another entry"

    def save(self, data: Any) -> None:  # noqa: ARG002 - Kedro's signature
        """Raise a `DatasetError`."""
        raise DatasetError(f"{type(self).__name__} only reads: {self.WRITER} writes the table")


class FormerTableDataset(ReadTableDataset):
    """The table that a run is about to replace; None where there is none that can be read.

    Example:
        ```yaml
        former_forecasts:
          type: book_forecast.datasets.FormerTableDataset
          filepath: "${_root}/07_model_output/forecasts.parquet"
        ```
    """

    def load(self) -> pd.DataFrame | None:
        """Read the table."""
        try:
            frame: pd.DataFrame = super().load()
        except (OSError, ValueError, DatasetError, UserError) as error:
            damage = find_user_error(error)
            if damage is not None and super()._exists():
                logger.warning("%s The run goes on without it.", damage)
            return None
        return frame

    def _exists(self) -> bool:
        # Loading always succeeds.
        return True


class TitleRowsDataset(AtomicParquetDataset):
    """A table in which a save replaces the rows of the saved titles only.

    A table that is damaged is replaced as a whole, with a warning: rows of this run are not lost
    for former ones that nobody can read.

    Example:
        ```yaml
        forecast_history:
          type: partitions.PartitionedDataset
          path: "${_root}/07_model_output/forecast_history"
          dataset: book_forecast.datasets.TitleRowsDataset
          filename_suffix: .parquet
        ```
    """

    REMEDY: ClassVar[str] = (
        "Restore it from a copy, or delete it: what it has recorded is not scored then."
    )

    def save(self, data: pd.DataFrame) -> None:
        """Replace the rows of the same titles."""
        saved = self._saved() if self.exists() else None
        if saved is not None:
            others = saved[~saved["isbn"].isin(data["isbn"])]
            if not others.empty:
                data = pd.concat([others, data], ignore_index=True).sort_values(
                    ["isbn", "week"], ignore_index=True
                )
        super().save(data)

    def _saved(self) -> pd.DataFrame | None:
        try:
            frame: pd.DataFrame = self.load()
        except (DatasetError, UserError) as error:
            # A bucket that does not answer is no damage, and ends the run.
            if find_user_error(error) is None:
                raise
            path = get_filepath_str(self._get_load_path(), self._protocol)
            logger.warning("%s is damaged, and replaced by what this run has of it", path)
            return None
        return frame


class AtomicJSONDataset(AtomicSave, JSONDataset):
    """A small document in one JSON file.

    Example:
        ```yaml
        summary:
          type: book_forecast.datasets.AtomicJSONDataset
          filepath: "${_root}/08_reporting/summary.json"
        ```
    """

    def _write(self, data: Any, file: IO[str]) -> None:
        json.dump(data, file, **self._save_args)


class AtomicTextDataset(AtomicSave, TextDataset):
    """A text or an HTML page in one file.

    Example:
        ```yaml
        report_index:
          type: book_forecast.datasets.AtomicTextDataset
          filepath: "${_root}/08_reporting/index.html"
        ```
    """

    def _write(self, data: str, file: IO[str]) -> None:
        file.write(data)


class AtomicPlotlyDataset(AtomicSave, PlotlyJSONDataset):
    """One Plotly figure as JSON, which kedro-viz shows as an interactive figure.

    Example:
        ```yaml
        overview_plot:
          type: book_forecast.datasets.AtomicPlotlyDataset
          filepath: "${_root}/08_reporting/overview_plot.json"
        ```
    """

    def _write(self, data: go.Figure, file: IO[str]) -> None:
        data.write_json(file, **self._save_args)


class FigurePageDataset(AtomicPlotlyDataset):
    """One Plotly figure as JSON, and beside it as a page that opens without a network.

    Example:
        ```yaml
        overview_plot:
          type: book_forecast.datasets.FigurePageDataset
          filepath: "${_root}/08_reporting/overview_plot.json"
          index: index.html
        ```
    """

    def __init__(self, *, index: str = "", **options: Any) -> None:
        """Set the file.

        Args:
            index: Address of a page that leads to this one, from its folder.
            options: Those of the stock dataset.
        """
        super().__init__(**options)
        self._index = index

    def save(self, data: go.Figure) -> None:
        """Replace the JSON, then the page."""
        super().save(data)
        name = self._filepath.stem.replace("_", " ")
        page = get_filepath_str(self.page, self._protocol)
        with replacing(self._fs, page, "w") as file:
            file.write(standalone_page({name: data}, index=self._index))

    @property
    def page(self) -> PurePosixPath:
        """The page's path."""
        return PurePosixPath(self._filepath).with_suffix(".html")
