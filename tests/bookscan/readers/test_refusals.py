import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from book_forecast.bookscan.hints import ExportHints, hints_for
from book_forecast.bookscan.readers.csv_reader import read_csv
from book_forecast.bookscan.readers.parquet_reader import read_parquet
from book_forecast.bookscan.readers.workbook_reader import read_workbook
from book_forecast.storage.errors import UserError

HEADER = ["Shop", "Article", "Sold here", "Up to", "Rank"]
ROWS = [["Leeds", "9780722532935", "3", "02/03/2019", "1"], ["Ayr", "9780241003008", "1", "", "2"]]


def write_csv(folder, rows):
    path = folder / "sales.csv"
    path.write_text("\n".join(";".join(row) for row in rows))
    return path, read_csv


def write_workbook(folder, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    path = folder / "sales.xlsx"
    book.save(path)
    return path, read_workbook


def write_parquet(folder, rows):
    path = folder / "sales.parquet"
    columns = zip(*rows[-len(ROWS) :], strict=True)
    pq.write_table(pa.table(dict(zip(HEADER, map(list, columns), strict=True))), path)
    return path, read_parquet


@pytest.mark.parametrize("write", [write_csv, write_workbook, write_parquet])
def test_the_line_in_the_message_mends_the_refusal(tmp_path, write):
    path, read = write(tmp_path, [["Weekly report"], HEADER, *ROWS])
    with pytest.raises(UserError, match=path.name) as error:
        list(read(path, path.name, ExportHints()))
    message = str(error.value)
    assert "Shop, Article, Sold here, Up to, Rank" in message
    assert "\n" not in message
    line = message[message.index("exports: ") :].removesuffix(".")
    hints = hints_for(path.name, yaml.safe_load(line)["exports"])
    assert hints.columns == {"isbn": "Article", "volume": "Sold here", "end_date": "Up to"}
    (raw,) = read(path, path.name, hints)
    assert raw.table["isbn"].to_pylist() == ["9780722532935", "9780241003008"]
    assert raw.table["volume"].to_pylist() == ["3", "1"]


def test_columns_that_are_known_are_not_named_again(tmp_path):
    path, read = write_csv(
        tmp_path, [["EAN", "Sold here", "Interval"], ["9780722532935", "3", "201909"]]
    )
    with pytest.raises(UserError, match=r'\{columns: \{volume: "Sold here"\}\}'):
        list(read(path, "sales.csv", ExportHints()))


def test_a_heading_of_the_option_that_the_file_lacks_is_named(tmp_path):
    path, read = write_csv(tmp_path, [HEADER, *ROWS])
    with pytest.raises(UserError, match="'Artikel' of its option is not there"):
        list(read(path, "sales.csv", ExportHints(columns={"isbn": "Artikel"})))


def test_a_message_is_bounded_however_many_and_long_the_headings_are(tmp_path):
    path, read = write_csv(tmp_path, [[f"{'very ' * 30}{number}" for number in range(500)]])
    with pytest.raises(UserError, match="and 488 more") as error:
        list(read(path, "sales.csv", ExportHints()))
    assert len(str(error.value)) <= 700
    assert "exports: {" in str(error.value)
