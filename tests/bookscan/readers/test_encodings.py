import pytest

from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers import encodings
from book_forecast.bookscan.readers.csv_reader import read_csv
from book_forecast.storage.errors import UserError

HEADER = "ISBN,Title,Volume,End Date"


def read(folder, content, **hints):
    path = folder / "sales.csv"
    path.write_bytes(content)
    return list(read_csv(path, "sales.csv", ExportHints(**hints)))


def titles(parts):
    return [title for raw in parts for title in raw.table["title"].to_pylist()]


def rows_of(titles):
    return "".join(f"a,{title},1,x\n" for title in titles)


@pytest.mark.parametrize(
    "encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "utf-8-sig", "cp1252"]
)
def test_an_encoding_is_found_with_and_without_a_mark(tmp_path, encoding):
    parts = read(tmp_path, f"{HEADER}\n{rows_of(['Zoë', 'Los años'])}".encode(encoding))
    assert titles(parts) == ["Zoë", "Los años"]
    assert parts[0].guessed == []


def test_one_byte_of_windows_1252_leaves_the_rest_utf8_and_is_told(tmp_path):
    good = ["Los años de Zoë", "“Über” – naïve"]
    content = f"{HEADER}\n{rows_of([*good, 'HERE', *good])}".encode().replace(b"HERE", b"caf\xe9")
    parts = read(tmp_path, content)
    assert titles(parts) == [*good, "café", *good]
    (bad,) = parts[0].guessed
    assert (bad.row, bad.value) == (4, "café")
    assert "Windows-1252" in bad.reason
    assert parts[0].layout.encoding == "utf-8"
    assert parts[0].layout.notes


def test_the_wrong_byte_is_found_in_any_block(tmp_path, monkeypatch):
    monkeypatch.setattr(encodings, "_BLOCK_BYTES", 16)
    content = f"{HEADER}\n{rows_of(['Zoë'] * 40)}".encode() + b"a,caf\xe9,1,x\n"
    parts = read(tmp_path, content + rows_of(["Zoë"] * 3).encode())
    assert titles(parts) == ["Zoë"] * 40 + ["café"] + ["Zoë"] * 3
    assert [bad.row for raw in parts for bad in raw.guessed] == [42]


def test_two_exports_pasted_together_are_each_read_in_their_encoding(tmp_path):
    rows = rows_of(["Zoë", "años", "naïve"])
    parts = read(tmp_path, f"{HEADER}\n{rows}".encode() + rows.encode("cp1252"))
    assert titles(parts) == ["Zoë", "años", "naïve"] * 2
    assert [bad.row for bad in parts[0].guessed] == [5, 6, 7]


def test_a_wrong_byte_in_a_column_that_is_passed_over_is_not_told(tmp_path):
    content = "ISBN,Volume,End Date,Shop\na,1,x,Zoë\nb,1,x,HERE\n".encode()
    (raw,) = read(tmp_path, content.replace(b"HERE", b"caf\xe9"))
    assert raw.guessed == []
    assert raw.others[0] != raw.others[1]


def test_a_wrong_byte_in_a_ragged_row_or_heading_leaves_no_mark(tmp_path):
    content = "ISBN,Título,Volume,End Date,Title\na,Zoë,1,x,t\nb,HERE,1\n".encode()
    parts = read(tmp_path, content.replace("í".encode(), b"\xed").replace(b"HERE", b"caf\xe9"))
    assert {raw.layout.passed_over for raw in parts} == {("Título",)}
    assert sum(raw.table.num_rows for raw in parts) == 2
    assert encodings.MARK not in str([(raw.table.to_pydict(), raw.unreadable) for raw in parts])


def test_a_named_encoding_is_used(tmp_path):
    content = f"{HEADER}\n{rows_of(['Zoë', '„Ämter“'])}".encode("mac-roman")
    assert titles(read(tmp_path, content, encoding="mac-roman")) == ["Zoë", "„Ämter“"]


def test_a_file_with_nul_bytes_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"sales\.csv is no text: it has NUL bytes"):
        read(tmp_path, f"{HEADER}\n{rows_of(['x' * 5000])}a,b\0,1,x\n".encode())
