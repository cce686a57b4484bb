"""The process that reads workbooks and Parquet: `python -m` starts it; `limited` asks it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers.parquet_reader import read_parquet
from book_forecast.bookscan.readers.transfer import to_bytes
from book_forecast.bookscan.readers.workbook_reader import read_workbook
from book_forecast.storage.limited_worker import serve


def answer(request: dict[str, Any]) -> Iterator[memoryview]:
    """Read a file: `kind` (workbook, streamed or parquet), `path`, `name` and `hints`."""
    path, name = Path(request["path"]), request["name"]
    hints = ExportHints.model_validate(request["hints"])
    if request["kind"] == "parquet":
        parts = read_parquet(path, name, hints)
    else:
        parts = read_workbook(path, name, hints, streamed=request["kind"] == "streamed")
    yield from map(to_bytes, parts)


if __name__ == "__main__":
    serve(answer)
