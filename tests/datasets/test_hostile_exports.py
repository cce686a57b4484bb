"""Exports that no vendor means to send: each is read right, or refused in one paragraph.

Bombs are in `test_archives` and `bookscan/readers/test_limited`, where limits are lower.
"""

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from book_forecast.bookscan.hints import ExportHints
from book_forecast.datasets import ExportsDataset
from book_forecast.storage.errors import UserError

HEADER = ["ISBN", "Title", "Volume", "End Date"]
ROW = ["9780722532935", "The Alchemist", 3, "2019-03-02"]
CSV = "\n".join([",".join(HEADER), *[",".join(map(str, ROW))] * 3]) + "\n"
RIGHT = {("9780722532935", "3")}
Make = Callable[[Path], Path]


def workbook(folder: Path, name: str = "sales.xlsx", rows: int = 50) -> Path:
    book = openpyxl.Workbook()
    for row in (HEADER, *[ROW] * rows):
        book.active.append(row)
    book.save(folder / name)
    return folder / name


def rezipped(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, change(name, content))
    return path


def truncated_workbook(folder: Path) -> Path:
    path = workbook(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def truncated_zip(folder: Path) -> Path:
    path = folder / "sales.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sales.csv", CSV * 100)
    path.write_bytes(path.read_bytes()[:-100])
    return path


def zip_without_a_directory(folder: Path) -> Path:
    path = truncated_zip(folder)
    path.write_bytes(path.read_bytes()[:60])
    return path


def flipped_workbook(folder: Path) -> Path:
    path = workbook(folder)
    content = bytearray(path.read_bytes())
    for place in random.Random(1).sample(range(len(content)), 40):
        content[place] ^= 1
    path.write_bytes(content)
    return path


def formulas(folder: Path) -> Path:
    """Formulas of a program that saves no values."""
    path = folder / "sales.xlsx"
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active.append(["9780722532935", "The Alchemist", "=1+2", "2019-03-02"])
    book.save(path)
    return path


def formula_texts(folder: Path) -> Path:
    path = folder / "sales.csv"
    path.write_text(CSV.replace("The Alchemist", '"=HYPERLINK(""http://x"",""y"")"'))
    return path


def formula_volumes(folder: Path) -> Path:
    path = folder / "sales.csv"
    path.write_text(CSV.replace(",3,", ",=1+2,"))
    return path


def wrong_encoding(folder: Path) -> Path:
    """UTF-8 and Latin-1 pasted into one file."""
    path = folder / "sales.csv"
    path.write_bytes(CSV.encode() + CSV.replace("The", "Où").encode("latin-1"))
    return path


def half_a_character(folder: Path) -> Path:
    path = folder / "sales.csv"
    path.write_bytes(CSV.replace("The", "Où").encode("utf-16")[:-1])
    return path


def noise(folder: Path) -> Path:
    path = folder / "sales.csv"
    path.write_bytes(random.Random(2).randbytes(200_000))
    return path


def a_million_columns(folder: Path) -> Path:
    path = folder / "sales.csv"
    more = "," * 1_000_000
    path.write_text(f"{','.join(HEADER)}{more}\n{','.join(map(str, ROW))}{more}\n")
    return path


def a_million_named_columns(folder: Path) -> Path:
    path = folder / "sales.csv"
    more = ",".join(f"c{n}" for n in range(1_000_000))
    path.write_text(f"{','.join(HEADER)},{more}\n{','.join(map(str, ROW))}\n")
    return path


def a_cell_in_the_last_column(folder: Path) -> Path:
    path = workbook(folder)
    book = openpyxl.load_workbook(path)
    book.active["XFD1"] = "stray"
    book.save(path)
    return path


def a_column_behind_the_last(folder: Path) -> Path:
    return rezipped(
        workbook(folder),
        lambda name, content: content.replace(b'r="D2"', b'r="ZZZZZZ2"'),
    )


def zip_in_zip(folder: Path) -> Path:
    content = CSV.encode()
    for name in ("sales.csv", *["inner.zip"] * 20):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(name, content)
        content = buffer.getvalue()
    path = folder / "sales.zip"
    path.write_bytes(content)
    return path


def html_as_xls(folder: Path) -> Path:
    path = folder / "sales.xls"
    path.write_text(f"<html><body>{pd.DataFrame([ROW], columns=HEADER).to_html()}</body></html>")
    return path


def xml_as_xls(folder: Path) -> Path:
    path = folder / "sales.xls"
    path.write_text('<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office"/>')
    return path


def csv_as_xlsx(folder: Path) -> Path:
    path = folder / "sales.xlsx"
    path.write_text(CSV)
    return path


def sheet_named(text: str) -> Make:
    def make(folder: Path) -> Path:
        return rezipped(
            workbook(folder),
            lambda name, content: content.replace(b'name="Sheet"', f'name="{text}"'.encode()),
        )

    return make


def part_at(target: str) -> Make:
    """A workbook whose sheet is said to be somewhere else."""

    def make(folder: Path) -> Path:
        return rezipped(
            workbook(folder),
            lambda name, content: content.replace(b"/xl/worksheets/sheet1.xml", target.encode()),
        )

    return make


def members_out_of_the_folder(folder: Path) -> Path:
    path = folder / "sales.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../escaped.csv", CSV)
        archive.writestr("/tmp/escaped.csv", CSV)
        archive.writestr("..\\escaped.csv", CSV)
    return path


def external_entities(folder: Path) -> Path:
    secret = folder.parent / "secret"
    secret.write_text("9780722532935")
    entity = f'<!DOCTYPE x [<!ENTITY s SYSTEM "file://{secret}">]>'.encode()
    return rezipped(
        workbook(folder),
        lambda name, content: (
            content.replace(b"<worksheet", entity + b"<worksheet", 1).replace(b"<v>3<", b"<v>&s;<")
            if name.endswith("sheet1.xml")
            else content
        ),
    )


RIGHT_OR_REFUSED: list[Make] = [
    *(truncated_workbook, truncated_zip, zip_without_a_directory, flipped_workbook, formula_texts),
    *(wrong_encoding, half_a_character, noise, a_million_columns, a_million_named_columns),
    *(a_cell_in_the_last_column, a_column_behind_the_last, zip_in_zip),
    *(html_as_xls, xml_as_xls, csv_as_xlsx, members_out_of_the_folder),
    *(external_entities, formulas, formula_volumes),
]
SHEETS = ["../../../etc/passwd", "..\\..\\x", "a&#0;b", "C:\\x", "x" * 5000, "CON", ""]
PARTS = ["/../../../../etc/passwd", "file:///etc/passwd", "/xl/workbook.xml", "//host/share/x"]
CASES = [
    *(pytest.param(make, id=make.__name__) for make in RIGHT_OR_REFUSED),
    *(pytest.param(sheet_named(name), id=f"sheet {n}") for n, name in enumerate(SHEETS)),
    *(pytest.param(part_at(target), id=f"part {n}") for n, target in enumerate(PARTS)),
]


def tree(root: Path) -> dict[str, int]:
    return {str(path): path.stat().st_size for path in root.rglob("*") if path.is_file()}


def read(folder: Path) -> list[tuple[str, str]]:
    """ISBNs and volumes of all rows."""
    exports = ExportsDataset(filepath=str(folder)).load()
    raws = [raw for file in exports.files() for raw in exports.read(file, ExportHints())]
    return [
        pair
        for raw in raws
        for pair in zip(*(raw.table[name].to_pylist() for name in ("isbn", "volume")), strict=True)
    ]


def outcome(folder: Path) -> str | set[tuple[str, str]]:
    """The refusal, or what was read."""
    try:
        return set(read(folder))
    except UserError as error:
        return str(error)


@pytest.mark.parametrize("make", CASES)
def test_it_is_read_right_or_refused_by_name(tmp_path, make):
    folder = tmp_path / "data" / "sales"
    folder.mkdir(parents=True)
    path = make(folder)
    before = tree(tmp_path)
    found = outcome(folder)
    if isinstance(found, str):
        assert path.stem in found
        assert len(found) < 1000
        assert "\n" not in found
    else:
        # Cleaning rejects rows without a number, such as a second header, with the reason.
        assert {(i, v) for i, v in found if v.isdigit()} <= RIGHT
    assert tree(tmp_path) == before
    assert not Path("/tmp/escaped.csv").exists()
