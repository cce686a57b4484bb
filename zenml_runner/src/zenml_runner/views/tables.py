"""Tables: the first rows and a summary of each column.

The libraries are recognised by the classes of the data, so that none is imported for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from zenml_runner.views.view import escaped

MAX_COLUMNS = 40
# Characters of the head; a wider table has fewer rows.
MAX_HEAD = 200_000
# A summary looks at about this many values; of a larger table at evenly spaced rows.
MAX_VALUES = 500_000


@dataclass
class Table:
    """A table as text.

    Attributes:
        rows: Number of all rows.
        columns: Number of all columns.
        names: Of the columns shown.
        head: The first rows.
        summary: For each column shown: type, missing values, minimum, mean and maximum.
        sampled: The summary covers every n-th row.
    """

    rows: int
    columns: int
    names: Sequence[Any]
    head: list[Sequence[Any]]
    summary: list[Sequence[Any]] = field(default_factory=list)
    sampled: int = 1

    def part(self) -> str:
        """Return the table as part of a page."""
        more = f", the first {len(self.names)} shown" if len(self.names) < self.columns else ""
        text = f"<p>{self.rows:,} rows, {self.columns:,} columns{more}</p>"
        head = self.head
        while len(shown := _html(self.names, head)) > MAX_HEAD and len(head) > 1:
            head = head[: len(head) // 2]
        text += shown
        if self.summary:
            every = f" of every {self.sampled}th row" if self.sampled > 1 else ""
            text += f"<p>Summary{every}</p>" + _html(
                ("column", "type", "missing", "min", "mean", "max"),
                [(name, *values) for name, values in zip(self.names, self.summary, strict=True)],
            )
        return text


def table_of(data: Any, rows: int) -> Table | None:
    """Return a table in memory as text; None for other data.

    Args:
        data: Any data.
        rows: Number of rows in the head.
    """
    for kind in type(data).__mro__:
        reader = _READERS.get((kind.__module__.partition(".")[0], kind.__name__))
        if reader is not None:
            return reader(data, rows)
    return None


def _pandas(data: Any, rows: int) -> Table:
    shown = data.iloc[:, :MAX_COLUMNS]
    head = shown.head(rows)
    names = list(shown.columns)
    lines: list[Sequence[Any]] = [tuple(line) for line in head.itertuples(index=False, name=None)]
    step = max(1, ceil(len(shown) * max(1, len(names)) / MAX_VALUES))
    sample = shown.iloc[::step]
    # Columns may have the same name.
    columns = (sample.iloc[:, number] for number in range(len(names)))
    summary: list[Sequence[Any]] = [
        (column.dtype, int(column.isna().sum()), *_pandas_range(column)) for column in columns
    ]
    if type(data.index).__name__ != "RangeIndex":
        names = [" / ".join(str(name or "index") for name in data.index.names), *names]
        lines = [(label, *line) for label, line in zip(head.index, lines, strict=True)]
        summary = [(data.index.dtype, "", "", "", ""), *summary]
    return Table(len(data), data.shape[1], names, lines, summary, step)


def _pandas_range(column: Any) -> tuple[Any, Any, Any]:
    kind = column.dtype.kind if hasattr(column.dtype, "kind") else "O"
    if kind not in "iufM" or column.isna().all():
        return ("", "", "")
    return (_short(column.min()), _short(column.mean()), _short(column.max()))


def _series(data: Any, rows: int) -> Table:
    return _pandas(data.to_frame(), rows)


def _polars(data: Any, rows: int) -> Table:
    shown = data[:, :MAX_COLUMNS]
    step = max(1, ceil(len(shown) * max(1, shown.width) / MAX_VALUES))
    sample = shown.gather_every(step) if step > 1 else shown
    summary: list[Sequence[Any]] = []
    for column in sample.get_columns():
        numeric = column.dtype.is_numeric() and column.null_count() < len(column)
        values = (column.min(), column.mean(), column.max()) if numeric else ("", "", "")
        summary.append((column.dtype, column.null_count(), *map(_short, values)))
    return Table(len(data), data.width, shown.columns, list(shown.head(rows).rows()), summary, step)


def _polars_series(data: Any, rows: int) -> Table:
    return _polars(data.to_frame(), rows)


def _arrow(data: Any, rows: int) -> Table:
    shown = data.select(list(range(min(MAX_COLUMNS, data.num_columns))))
    head = shown.slice(0, rows)
    columns = [column.to_pylist() for column in head.columns]
    summary: list[Sequence[Any]] = [
        (part.type, column.null_count, "", "", "")
        for part, column in zip(shown.schema, shown.columns, strict=True)
    ]
    lines: list[Sequence[Any]] = list(zip(*columns, strict=True))
    return Table(data.num_rows, data.num_columns, shown.column_names, lines, summary)


def _numpy(data: Any, rows: int) -> Table | None:
    if data.ndim not in (1, 2) or data.dtype.names:
        return None
    table = data.reshape(len(data), -1)
    shown = table[:rows, :MAX_COLUMNS]
    names = [f"{number}" for number in range(shown.shape[1])]
    return Table(len(table), table.shape[1], names, [tuple(map(_short, line)) for line in shown])


_READERS: dict[tuple[str, str], Callable[[Any, int], Table | None]] = {
    ("pandas", "DataFrame"): _pandas,
    ("pandas", "Series"): _series,
    ("polars", "DataFrame"): _polars,
    ("polars", "Series"): _polars_series,
    ("pyarrow", "Table"): _arrow,
    ("numpy", "ndarray"): _numpy,
}


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def _html(names: Sequence[Any], lines: Sequence[Sequence[Any]]) -> str:
    header = "".join(f"<th>{escaped(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(map(_cell, line))}</tr>" for line in lines)
    return f'<div class="t"><table><tr>{header}</tr>{body}</table></div>'


def _cell(value: Any) -> str:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    kind = ' class="n"' if numeric else ""
    return f"<td{kind}>{escaped(_short(value))}</td>"
