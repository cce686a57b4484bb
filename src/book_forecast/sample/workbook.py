"""Write the sample as a workbook with one sheet per product class."""

import zipfile
from collections import Counter
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.xml.functions import tostring

from book_forecast.sample.character import ProductClass
from book_forecast.sample.generator import CHUNK_TITLES, SCHEMA, sample_tables
from book_forecast.storage.errors import UserError

MAX_SHEET_ROWS = 1_048_576
# A projection so many times above the limit ends the work at the first chunk.
_HOPELESS = 2.0
# The same sample has the same bytes with this time of creation.
MADE = datetime(2024, 7, 1)
# Like some real exports, this sheet has numeric ISBNs.
NUMERIC_ISBN_SHEET = ProductClass.SPECIALIST


def write_workbook(
    file: Path | IO[bytes], titles: int, seed: int, max_rows: int = MAX_SHEET_ROWS
) -> int:
    """Write the workbook and return its number of rows of sales.

    Args:
        file: File to write.
        titles: Number of titles.
        seed: Seed of all random draws.
        max_rows: Rows that fit on a sheet.

    Raises:
        UserError: A sheet would get too many rows; the file is not written then.
    """
    book = Workbook(write_only=True)
    sheets = {name.value: book.create_sheet(name.value) for name in ProductClass}
    for sheet in sheets.values():
        sheet.append(SCHEMA.names)
    isbn, end_date, product_class = (
        SCHEMA.names.index(name) for name in ("ISBN", "End Date", "Product Class")
    )
    rows: Counter[str] = Counter()
    for chunk, table in enumerate(sample_tables(titles, seed), start=1):
        rows.update(table["Product Class"].to_pylist())
        try:
            _check_fit(rows, min(chunk * CHUNK_TITLES, titles), titles, max_rows)
        except UserError:
            for sheet in sheets.values():
                sheet.close()
            raise
        for values in zip(*(column.to_pylist() for column in table.columns), strict=True):
            sheet = sheets[values[product_class]]
            row = list(values)
            if values[product_class] == NUMERIC_ISBN_SHEET:
                row[isbn] = int(row[isbn])
            date_cell = WriteOnlyCell(sheet, row[end_date])
            date_cell.number_format = "dd/mm/yyyy"
            row[end_date] = date_cell
            sheet.append(row)
    _save(book, file)
    return rows.total()


def _check_fit(rows: Counter[str], done: int, titles: int, max_rows: int) -> None:
    """Raise a `UserError` if the rows of a sheet do not fit, or far too many are to be expected."""
    sheet, most = rows.most_common(1)[0]
    # One row is the header.
    if most >= max_rows or most * titles / done > _HOPELESS * max_rows:
        raise UserError(
            f"{titles:,} titles do not fit into a workbook: sheet {sheet!r} would get more "
            f"than {max_rows:,} rows. Write them with --format csv or --format parquet, "
            "or ask for fewer titles."
        )


def _save(book: Workbook, file: Path | IO[bytes]) -> None:
    """Save without the current time, which openpyxl writes into the archive and its properties."""
    with TemporaryFile() as draft:
        book.save(draft)
        properties = book.properties
        properties.creator = "book_forecast sample generator"
        properties.created = properties.modified = MADE
        with (
            zipfile.ZipFile(draft) as source,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
        ):
            for name in source.namelist():
                info = zipfile.ZipInfo(name, date_time=MADE.timetuple()[:6])
                info.compress_type = zipfile.ZIP_DEFLATED
                if name == "docProps/core.xml":
                    target.writestr(info, tostring(properties.to_tree()))
                    continue
                with source.open(name) as content, target.open(info, "w", force_zip64=True) as copy:
                    while block := content.read(1 << 20):
                        copy.write(block)
