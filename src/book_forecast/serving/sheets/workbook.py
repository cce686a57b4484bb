"""Writes a workbook, a large one in a process of its own: for ten thousand titles it takes seconds.

    python -m book_forecast.serving.sheets.workbook < sheets.json > book.xlsx

In the service itself a large one would delay requests, and need memory that is never given back.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import orjson

from book_forecast.serving.loading.no_pandas import keep_pandas_out
from book_forecast.storage.spreadsheets import Column, Sheet, write_workbook

# They take a twentieth of a second here; a process takes half of one to start, and gives way to all
# other work: on a busy machine it takes ten.
_FEW_ROWS = 100
_SECONDS = 300.0
_NICENESS = 10
_one_at_a_time = threading.Lock()


def workbook_of(sheets: Sequence[Sheet]) -> bytes:
    """Return sheets as a workbook.

    Raises:
        RuntimeError: If the process that writes it fails.
    """
    plain = [_plain(sheet) for sheet in sheets]
    if sum(len(sheet["rows"]) for sheet in plain) <= _FEW_ROWS:
        written = io.BytesIO()
        write_workbook(written, [_sheet(**sheet) for sheet in plain])
        return written.getvalue()
    content = orjson.dumps(plain)
    with _one_at_a_time:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", __spec__.name],
            input=content,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise RuntimeError(f"The workbook could not be written: {last}")
    return done.stdout


def _plain(sheet: Sheet) -> dict[str, Any]:
    """Return a sheet as JSON can hold it."""
    columns, rows = [list(column) for column in sheet.columns], list(sheet.rows)
    return {**vars(sheet), "columns": columns, "rows": rows}


def main() -> None:
    """Read sheets from standard input, and write the workbook to standard output."""
    keep_pandas_out()
    os.nice(_NICENESS)
    sheets = orjson.loads(sys.stdin.buffer.read())
    write_workbook(sys.stdout.buffer, [_sheet(**sheet) for sheet in sheets])


def _sheet(columns: list[list[Any]], rows: list[Sequence[Any]], **about: Any) -> Sheet:
    """Return a sheet in whose rows days may be texts, as those of JSON and of payloads are."""
    made = [Column(*column) for column in columns]
    days = [place for place, column in enumerate(made) if column.kind == "day"]
    if days:
        rows = [_with_days(row, days) for row in rows]
    return Sheet(columns=made, rows=rows, **about)


def _with_days(row: Sequence[Any], days: Sequence[int]) -> list[Any]:
    found = list(row)
    for place in days:
        if found[place] and isinstance(found[place], str):
            found[place] = dt.date.fromisoformat(found[place])
    return found


if __name__ == "__main__":
    main()
