"""Tables of the forecasts that the service has served."""

from __future__ import annotations

from typing import IO, ClassVar

from book_forecast.datasets.atomic import ReadTableDataset


class ServedTableDataset(ReadTableDataset):
    """A table of served forecasts, as the service writes it: with checksums of pages alone.

    Example:
        ```yaml
        served_forecasts:
          type: partitions.PartitionedDataset
          path: "${_root}/07_model_output/served_forecasts"
          dataset: book_forecast.datasets.ServedTableDataset
          filename_suffix: .parquet
        ```
    """

    WRITER: ClassVar[str] = "the service"
    REMEDY: ClassVar[str] = "Delete it: the answers in it are not counted then."

    def _check(self, file: IO[bytes]) -> None:
        """Leave it to the reader: the service has no pandas, and writes under its own names."""
