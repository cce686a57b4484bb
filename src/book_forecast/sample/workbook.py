"""Write the sample as a workbook with one sheet per product class."""

import zipfile
from collections import Counter
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile

import pyarrow.compute as pc
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.xml.functions import tostring

from book_forecast.sample.character import ProductClass
from book_forecast.sample.generator import CHUNK_TITLES, SCHEMA, sample_tables
from book_forecast.sample.weeks import sample_weeks
from book_forecast.storage.errors import UserError

MAX_SHEET_ROWS = 1_048_576
CHUNKS_TO_PROJECT = 4
# What the workbook says about when it was made, so that the same sample has the same bytes.
MADE = datetime(2024, 7, 1)
# Real exports are not consistent either: this sheet has its ISBNs as numbers.
NUMERIC_ISBN_SHEET = ProductClass.SPECIALIST


def write_workbook(path: Path, titles: int, seed: int, max_rows: int = MAX_SHEET_ROWS) -> int:
    """Write the workbook and return its number of rows of sales.

    Args:
        path: File to write.
        titles: Number of titles.
        seed: Seed of everything random.
        max_rows: Rows that fit on a sheet.

    Raises:
        UserError: If a sheet would get too many rows; nothing is written then.
    """
    _refuse_what_would_burst(titles, seed, max_rows)
    book = Workbook(write_only=True)
    sheets = {name.value: book.create_sheet(name.value) for name in ProductClass}
    for sheet in sheets.values():
        sheet.append(SCHEMA.names)
    isbn, end_date, product_class = (
        SCHEMA.names.index(name) for name in ("ISBN", "End Date", "Product Class")
    )
    rows = 0
    for table in sample_tables(titles, seed):
        for values in zip(*(column.to_pylist() for column in table.columns), strict=True):
            sheet = sheets[values[product_class]]
            row = list(values)
            if values[product_class] == NUMERIC_ISBN_SHEET:
                row[isbn] = int(row[isbn])
            date_cell = WriteOnlyCell(sheet, row[end_date])
            date_cell.number_format = "dd/mm/yyyy"
            row[end_date] = date_cell
            sheet.append(row)
        rows += table.num_rows
    _save(book, path)
    return rows


def _refuse_what_would_burst(titles: int, seed: int, max_rows: int) -> None:
    if titles * len(sample_weeks()) < max_rows:
        return
    rows: Counter[str] = Counter()
    for chunk, table in enumerate(sample_tables(titles, seed), start=1):
        for count in pc.value_counts(table["Product Class"]).to_pylist():
            rows[count["values"]] += count["counts"]
        sheet, most = rows.most_common(1)[0]
        # Nobody should wait for all titles to learn what the first thousand tell.
        projected = most * titles / min(chunk * CHUNK_TITLES, titles)
        hopeless = chunk >= CHUNKS_TO_PROJECT and projected > 1.5 * max_rows
        # One row is the header.
        if hopeless or most >= max_rows:
            raise UserError(
                f"{titles:,} titles do not fit into a workbook: sheet {sheet!r} would get more "
                f"than {max_rows:,} rows. Write them with --format csv or --format parquet, "
                "or ask for fewer titles."
            )


def _save(book: Workbook, path: Path) -> None:
    """Save without the time of day, which openpyxl writes into the archive and its properties."""
    with TemporaryFile() as draft:
        book.save(draft)
        properties = book.properties
        properties.creator = "book_forecast sample generator"
        properties.created = properties.modified = MADE
        with (
            zipfile.ZipFile(draft) as source,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
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
