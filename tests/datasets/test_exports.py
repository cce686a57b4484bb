import shutil
import zipfile
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from kedro.io import DatasetError

from book_forecast.bookscan.hints import ExportHints
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
    assert load(folder) == ["B.Csv", "a.parquet", "b.XLSX", "c.csv", "d.PARQUET"]


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


def test_exports_are_never_written(folder):
    with pytest.raises(DatasetError, match="only reads"):
        ExportsDataset(filepath=str(folder)).save([])  # type: ignore[arg-type]
