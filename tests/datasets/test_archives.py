import gzip
import io
import struct
import zipfile

import pytest

from book_forecast.datasets import archives
from book_forecast.datasets.archives import list_members, open_member, unpack, unpack_gzip
from book_forecast.storage.errors import UserError


def packed(members, compression=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file


def unpacked(file, member, folder):
    with open_member(file, member, f"a.zip/{member}") as content:
        unpack(content, folder / "copy", len(file.getbuffer()), f"a.zip/{member}")
    return (folder / "copy").read_bytes()


def test_members_are_listed_and_unpacked(tmp_path):
    file = packed([("b.csv", "second"), ("in/", ""), ("in/a.csv", "first")])
    assert list_members(file, "a.zip") == ["b.csv", "in/a.csv"]
    assert unpacked(file, "in/a.csv", tmp_path) == b"first"


def test_tricks_with_paths_are_only_names(tmp_path):
    file = packed([("../../up.csv", "up"), ("/root.csv", "root"), ("c\\..\\d.csv", "d")])
    assert list_members(file, "a.zip") == ["up.csv", "root.csv", "c/d.csv"]
    assert unpacked(file, "up.csv", tmp_path) == b"up"
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (io.BytesIO(b"PK\x03\x04 not an archive"), "cannot be unpacked"),
        (io.BytesIO(b""), "cannot be unpacked"),
        (packed((f"{number}.csv", "") for number in range(1001)), "more than 1,000 files"),
        (packed((f"{number}.csv", "") for number in range(70_000)), "more than 1,000 files"),
        (packed([("a.csv", ""), ("./a.csv", "")]), "two of its files have the same name"),
        (packed([("a.csv", bytes(100 << 20))]), "unpacks to more than 105 MB"),
    ],
    ids=["damaged", "empty", "many", "very many", "same name", "bomb"],
)
def test_an_archive_that_is_no_good_is_refused_by_name(file, message):
    with pytest.raises(UserError, match=rf"^a\.zip .*({message})"):
        list_members(file, "a.zip")


def test_an_archive_with_a_password_is_refused():
    content = bytearray(packed([("a.csv", "x")]).getvalue())
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + at] |= 1
    with pytest.raises(UserError, match=r"^a\.zip has a password"):
        list_members(io.BytesIO(bytes(content)), "a.zip")


def test_a_size_that_the_archive_understates_ends_within_the_bounds(tmp_path):
    content = bytearray(packed([("a.csv", bytes(100 << 20))]).getvalue())
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, 5)
    file = io.BytesIO(bytes(content))
    assert list_members(file, "a.zip") == ["a.csv"]
    with pytest.raises(UserError, match=r"^a\.zip/a\.csv"):
        unpacked(file, "a.csv", tmp_path)
    assert (tmp_path / "copy").stat().st_size < 1 << 20


def test_a_damaged_member_is_refused(tmp_path):
    content = bytearray(packed([("a.csv", "sales" * 100)], zipfile.ZIP_STORED).getvalue())
    content[content.index(b"sales")] ^= 1
    file = io.BytesIO(bytes(content))
    with pytest.raises(UserError, match=r"^a\.zip/a\.csv cannot be unpacked"):
        unpacked(file, "a.csv", tmp_path)


def test_a_gzip_file_is_unpacked(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"sales"))
    unpack_gzip(tmp_path / "a.csv.gz", tmp_path / "copy", "a.csv.gz")
    assert (tmp_path / "copy").read_bytes() == b"sales"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ISBN,Volume", "cannot be unpacked"),
        (gzip.compress(bytes(range(256)) * 99)[:-40], "cannot be unpacked"),
        (gzip.compress(bytes(100 << 20)), "unpacks to more than"),
    ],
    ids=["text", "cut", "bomb"],
)
def test_a_gzip_file_that_is_no_good_is_refused_by_name(tmp_path, content, message):
    (tmp_path / "a.csv.gz").write_bytes(content)
    with pytest.raises(UserError, match=rf"^a\.csv\.gz .*{message}"):
        unpack_gzip(tmp_path / "a.csv.gz", tmp_path / "copy", "a.csv.gz")


def test_no_archive_unpacks_to_more_than_the_limit(monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 1000)
    list_members(packed([("a.csv", bytes(600))]), "a.zip")
    with pytest.raises(UserError, match="exceeds the limits"):
        list_members(packed([("a.csv", bytes(600)), ("b.csv", bytes(600))]), "a.zip")
