"""Raw rows as bytes, to pass them from one process to another."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from book_forecast.bookscan.rows import Layout, RawRows, UnreadableRow

_ROW, _OTHERS = "row", "others"
_TEXT, _NUMBER = "text:", "number:"
_ABOUT = b"about"


def to_bytes(raw: RawRows) -> memoryview:
    """Write rows as an Arrow stream of one batch."""
    columns: dict[str, Any] = {_ROW: pa.array(raw.rows, pa.int64())}
    columns |= {_TEXT + name: raw.table[name] for name in raw.table.column_names}
    columns |= {_NUMBER + name: pa.array(values) for name, values in raw.numbers.items()}
    if raw.others is not None:
        columns[_OTHERS] = pa.array(raw.others)
    about = {
        "layout": asdict(raw.layout),
        "unreadable": [asdict(row) for row in raw.unreadable],
        "guessed": [asdict(row) for row in raw.guessed],
    }
    table = pa.table(columns).replace_schema_metadata({_ABOUT: json.dumps(about)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.unify_dictionaries().combine_chunks())
    return memoryview(sink.getvalue())


class RowsReceiver:
    """Reads what `to_bytes` wrote; the parts of one sheet share their layout."""

    def __init__(self) -> None:
        self._layout: Layout | None = None

    def __call__(self, content: bytes) -> RawRows:
        """Return the rows of one part."""
        table = pa.ipc.open_stream(content).read_all()
        about = json.loads(table.schema.metadata[_ABOUT])
        layout = about["layout"]
        layout |= {name: tuple(layout[name]) for name in ("passed_over", "notes")}
        received = Layout(**layout)
        if received != self._layout:
            self._layout = received
        return RawRows(
            layout=self._layout or received,
            rows=table[_ROW].to_numpy(),
            table=_named(table, _TEXT),
            numbers={name: _array(column) for name, column in _columns(table, _NUMBER).items()},
            others=_array(table[_OTHERS]) if _OTHERS in table.column_names else None,
            unreadable=[UnreadableRow(**row) for row in about["unreadable"]],
            guessed=[UnreadableRow(**row) for row in about["guessed"]],
        )


def _columns(table: pa.Table, prefix: str) -> dict[str, pa.ChunkedArray]:
    names = [name for name in table.column_names if name.startswith(prefix)]
    return {name.removeprefix(prefix): table[name] for name in names}


def _named(table: pa.Table, prefix: str) -> pa.Table:
    return pa.table(_columns(table, prefix))


def _array(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.to_numpy())
