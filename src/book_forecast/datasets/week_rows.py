"""Tables of forecasts that are read one week at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pandas as pd

from book_forecast.datasets.atomic import ReadTableDataset, TitleRowsDataset


class WeekRowsDataset(ReadTableDataset):
    """Forecasts by week; a load reads one week's means and widest bounds.

    A load returns a function of the week, so that many tables are held against few weeks each.

    Example:
        ```yaml
        recorded_bounds:
          type: partitions.PartitionedDataset
          path: "${_root}/07_model_output/forecast_history"
          dataset: book_forecast.datasets.WeekRowsDataset
          filename_suffix: .parquet
        ```
    """

    REMEDY: ClassVar[str] = TitleRowsDataset.REMEDY

    def load(self) -> Callable[[pd.Timestamp], pd.DataFrame]:
        """Return what reads isbn, week, mean, and `lo-L` and `hi-L` of the highest level."""
        return self._rows_of

    def _rows_of(self, week: pd.Timestamp) -> pd.DataFrame:
        frame: pd.DataFrame = self._or_user_error(lambda: self._read_week(week))
        return frame

    def _read_week(self, week: pd.Timestamp) -> pd.DataFrame:
        import pyarrow.parquet as pq

        with self._checked() as file:
            names = pq.read_schema(file).names
            file.seek(0)
            levels = [name.removeprefix("lo-") for name in names if name.startswith("lo-")]
            widest = max(levels, key=float, default=None)
            bounds = [] if widest is None else [f"lo-{widest}", f"hi-{widest}"]
            columns = ["isbn", "week", "mean", *bounds]
            return pd.read_parquet(
                file, columns=columns, filters=[("week", "==", week)], **self._load_args
            )
