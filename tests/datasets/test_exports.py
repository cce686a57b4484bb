import gzip
import os
import shutil
import socket
import zipfile
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from kedro.io import DatasetError

from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers import csv_reader
from book_forecast.datasets import ExportsDataset
from book_forecast.storage.errors import UserError

ROW = {"ISBN": "9780722532935", "Volume": 3, "End Date": "02/03/2019"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "sales"


def write(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        frame = pd.DataFrame([ROW | {"Title": name}])
        path = folder / name
        if name.lower().endswith(".xlsx"):
            with path.open("wb") as file:
                frame.to_excel(file, index=False, engine="openpyxl")
        elif name.lower().endswith(".parquet"):
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index=False)


def parts(folder, **hints):
    exports = ExportsDataset(filepath=str(folder)).load()
    return [raw for file in exports.files() for raw in exports.read(file, ExportHints(**hints))]


def load(folder, **hints) -> list[str]:
    return [raw.file for raw in parts(folder, **hints)]


def test_every_format_is_read_in_order_of_name_whatever_the_case_of_its_ending(folder):
    write(folder, "b.XLSX", "a.parquet", "c.csv", "B.Csv", "d.PARQUET")
    assert load(folder) == ["a.parquet", "B.Csv", "b.XLSX", "c.csv", "d.PARQUET"]


def test_exports_can_be_gone_through_again(folder):
    write(folder, "a.csv")
    exports = ExportsDataset(filepath=str(folder)).load()
    assert exports.files() == exports.files() == ["a.csv"]
    first, second = (list(exports.read("a.csv", ExportHints())) for _ in range(2))
    assert first[0].table == second[0].table


def test_exports_are_found_when_they_are_read_not_before(folder):
    exports = ExportsDataset(filepath=str(folder)).load()
    write(folder, "a.csv")
    assert [raw.file for raw in exports.read("a.csv", ExportHints())] == ["a.csv"]


def test_hidden_and_lock_files_are_passed_over_without_a_word(folder, caplog):
    write(folder, "a.csv", ".hidden.csv", "~$a.csv", ".~lock.a.xlsx#")
    (folder / ".gitkeep").touch()
    assert load(folder) == ["a.csv"]
    assert caplog.records == []


def test_other_files_are_named_in_one_short_warning(folder, caplog):
    write(folder, "a.csv")
    for number in range(50):
        (folder / f"README {number:02d}.md").write_text("Where these come from")
    assert load(folder) == ["a.csv"]
    (warning,) = (record.getMessage() for record in caplog.records)
    assert "README 00.md" in warning
    assert "more" in warning
    assert len(warning) <= 160


@pytest.mark.parametrize("name", ["sales.numbers", "sales.7z", "sales.xlsx.gz", "sub/a.feather"])
def test_an_export_in_a_format_that_is_not_read_stops_by_name(folder, name):
    write(folder, "a.csv")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    with pytest.raises(UserError, match=rf"{name} .* Save it as \.csv or \.xlsx"):
        load(folder)


def test_a_folder_that_is_missing_is_named_with_what_to_do(folder):
    with pytest.raises(UserError, match=r"no folder .*/sales .*data_root"):
        load(folder)


def test_a_folder_without_exports_is_named_with_what_to_do(folder):
    folder.mkdir()
    (folder / ".gitkeep").touch()
    with pytest.raises(UserError, match=r"no export in .*/sales.*\.csv, .*\.xlsx, .*\.parquet"):
        load(folder)


def test_a_file_in_place_of_the_folder_is_no_folder(folder):
    folder.write_text("not a folder")
    with pytest.raises(UserError, match=r"/sales"):
        load(folder)


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.parquet"])
def test_a_broken_file_among_good_ones_stops_by_name(folder, name):
    write(folder, "b.csv", "c.xlsx", "d.parquet")
    (folder / name).write_bytes(b"\x00\x01\x02" * 100)
    with pytest.raises(UserError, match=name):
        load(folder)


def test_a_file_that_is_gone_stops_by_name(folder):
    write(folder, "a.csv")
    (folder / "b.csv").symlink_to(folder / "nowhere.csv")
    with pytest.raises(UserError, match=r"b\.csv"):
        load(folder)


def test_a_file_with_a_header_alone_still_shows(folder):
    write(folder, "b.csv")
    (folder / "a.csv").write_text("ISBN,Volume,Interval")
    assert [(raw.file, len(raw.rows)) for raw in parts(folder)] == [("a.csv", 0), ("b.csv", 1)]


def test_a_folder_in_the_cloud_is_read_like_a_local_one(folder):
    write(folder, "a.parquet", "b.xlsx", "c.csv", "d.tsv", "e.csv.gz")
    (folder / "2026").mkdir()
    write(folder / "2026", "w31.csv")
    with zipfile.ZipFile(folder / "f.zip", "w") as archive:
        archive.write(folder / "c.csv", "in/c.csv")
        archive.write(folder / "b.xlsx", "b.xlsx")
    (folder / "notes.txt").write_text("Where these come from")
    cloud = fsspec.filesystem("memory")
    cloud.put(f"{folder}/", "/bucket/01_raw/sales/", recursive=True)
    cloud.touch("/bucket/01_raw/sales/.gitkeep")
    shutil.rmtree(folder)
    try:
        dataset = ExportsDataset(filepath="memory:///bucket/01_raw/sales/")
        assert dataset.exists()
        assert load("memory:///bucket/01_raw/sales/") == [
            *("2026/w31.csv", "a.parquet", "b.xlsx", "c.csv", "d.tsv", "e.csv.gz"),
            *("f.zip/b.xlsx", "f.zip/in/c.csv"),
        ]
        with pytest.raises(UserError, match="memory:///bucket/elsewhere"):
            load("memory:///bucket/elsewhere")
    finally:
        cloud.rm("/bucket", recursive=True)


CSV = "ISBN,Volume,Interval\n9780722532935,3,201909\n"


def test_subfolders_are_read_in_order_of_name_and_folders_are_never_files(folder):
    write(folder, "b.csv", "2027.csv")
    for name in ("2026", "x.csv", ".hidden", "__MACOSX"):
        write(folder / name, "w31.csv")
    assert load(folder) == ["2026/w31.csv", "2027.csv", "b.csv", "x.csv/w31.csv"]


def test_links_between_folders_end(folder):
    write(folder, "a.csv")
    (folder / "sub").mkdir()
    (folder / "sub" / "up").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    assert load(folder) == ["a.csv"]


def test_every_text_and_packed_format_is_read(folder):
    folder.mkdir()
    (folder / "a.txt").write_text(CSV.replace(",", "|"))
    (folder / "b.tsv").write_text(CSV.replace(",", "\t"))
    (folder / "c.CSV.GZ").write_bytes(gzip.compress(CSV.encode()))
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        archive.writestr("w2.csv", CSV)
        archive.writestr("in/w1.txt", CSV)
        archive.writestr("../w3.csv.gz", gzip.compress(CSV.encode()))
        archive.writestr("__MACOSX/._w2.csv", "litter")
    found = parts(folder)
    names = ["a.txt", "b.tsv", "c.CSV.GZ", "d.zip/in/w1.txt", "d.zip/w2.csv", "d.zip/w3.csv.gz"]
    assert [raw.file for raw in found] == names
    assert {raw.table["isbn"][0].as_py() for raw in found} == {"9780722532935"}


def test_notes_are_no_exports_but_a_table_without_the_columns_is_refused(folder, caplog):
    write(folder, "a.csv")
    (folder / "README.txt").write_text("These, all of them, come from a shop.\nDo not edit.\n")
    assert load(folder) == ["a.csv"]
    assert "README.txt" in caplog.records[0].getMessage()
    (folder / "sales.txt").write_text("Article;Sold;Week\n9780722532935;3;2019-03-02\n")
    with pytest.raises(UserError, match=r"sales\.txt cannot be used"):
        load(folder)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"b.zip": ""}, r"a\.zip/b\.zip cannot be read"),
        ({"b.numbers": "", "c.csv": CSV}, r"a\.zip/b\.numbers cannot be read"),
        ({"b.pdf": ""}, r"a\.zip holds no export \(b\.pdf\)"),
        ({}, r"a\.zip holds no export \(it is empty\)"),
    ],
)
def test_an_archive_with_other_things_stops_by_name(folder, members, message):
    folder.mkdir()
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(UserError, match=message):
        load(folder)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "a named pipe"),
        (lambda path: path.symlink_to("/dev/zero"), "a device"),
        (lambda path: socket.socket(socket.AF_UNIX).bind(os.path.relpath(path)), "a socket"),
    ],
    ids=["pipe", "device", "socket"],
)
@pytest.mark.parametrize("name", ["x.csv", "x.xlsx", "x.zip", "x.txt"])
def test_what_is_no_file_is_refused_before_it_is_opened(folder, monkeypatch, make, kind, name):
    write(folder, "a.csv")
    monkeypatch.chdir(folder)
    make(folder / name)
    with pytest.raises(UserError, match=rf"{name} cannot be read: it is {kind}"):
        load(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.txt", "sub"])
def test_what_may_not_be_read_is_named(folder, name):
    write(folder, "b.csv")
    write(folder / "sub", "a.csv") if name == "sub" else write(folder, name)
    (folder / name).chmod(0)
    try:
        with pytest.raises(UserError, match=rf"{name} .*permissions"):
            load(folder)
    finally:
        (folder / name).chmod(0o700)


def test_a_file_that_changes_while_it_is_read_is_refused(folder, monkeypatch):
    monkeypatch.setattr(csv_reader, "_BLOCK_BYTES", 64)
    folder.mkdir()
    (folder / "a.csv").write_text(CSV + "9780722532935,3,201910\n" * 50)
    exports = ExportsDataset(filepath=str(folder)).load()
    rows = exports.read("a.csv", ExportHints())
    next(rows)
    with (folder / "a.csv").open("a") as file:
        file.write("9780722532935,3,201911\n")
    with pytest.raises(UserError, match=r"a\.csv changed while it was read"):
        list(rows)


def test_what_the_user_says_reaches_the_readers(folder):
    folder.mkdir()
    frame = pd.DataFrame({"Article": ["9780722532935"], "Volume": [3], "Interval": [201909]})
    frame.to_csv(folder / "a.csv", index=False)
    frame.to_excel(folder / "b.xlsx", index=False)
    frame.to_parquet(folder / "c.parquet")
    assert load(folder, columns={"isbn": "Article"}) == ["a.csv", "b.xlsx", "c.parquet"]


def test_exports_are_never_written(folder):
    with pytest.raises(DatasetError, match="only reads"):
        ExportsDataset(filepath=str(folder)).save([])  # type: ignore[arg-type]
