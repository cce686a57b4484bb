"""The data root as users type it."""

from pathlib import Path

import pytest

from book_forecast.storage.data_root import checked_data_root, given_data_root
from book_forecast.storage.errors import UserError


def test_a_typed_folder_is_in_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert given_data_root("sales") == str(tmp_path / "sales")
    assert given_data_root("../sales/") == str(tmp_path.parent / "sales")
    assert given_data_root("/other//folder/") == "/other/folder"


def test_the_home_folder_may_be_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert given_data_root("~/sales") == str(tmp_path / "sales")


@pytest.mark.parametrize(
    "name", ["a [b]", "#1", "c,d=e", "é漢", 'it\'s "so"', "{x}", "50%", "-", "!"]
)
def test_characters_of_folders_stay(name, tmp_path):
    assert given_data_root(tmp_path / name) == str(tmp_path / name)


def test_an_address_stays_without_its_last_slash():
    assert given_data_root("gs://bucket/folder/") == "gs://bucket/folder"


def test_a_folder_of_a_configuration_stays_relative():
    assert checked_data_root("data/") == "data"


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        (None, "is empty"),
        ("a*", r"has '\*' in it"),
        ("what?", r"has '\?' in it"),
        ("${HOME}/x", r"has '\$\{' in it"),
        ("zip::x", "has '::' in it"),
        ("a\nb", "cannot be printed"),
        ("~nobody-of-this-name/x", "unknown user"),
        ("x" * 300, "more than 255 bytes"),
        ("gs://", "is no address"),
        ("://bucket", "is no address"),
        ("gs://bucket/a#b", "has '#' in it"),
        ("gs://bucket/a b", "has ' ' in it"),
    ],
)
def test_what_no_dataset_can_work_with_is_refused(typed, why):
    with pytest.raises(UserError, match=why) as refused:
        given_data_root(typed)
    assert "name a folder, or an address such as gs://bucket/folder." in str(refused.value)


def test_a_folder_is_not_created(tmp_path):
    assert not Path(given_data_root(tmp_path / "new")).exists()
