"""Journals lie among the data where those are local, else in the user's cache."""

from pathlib import Path

import pytest
from kedro.io.core import DatasetError

from book_forecast.datasets import JournalFolderDataset


def test_local_journals_lie_among_the_data(tmp_path):
    dataset = JournalFolderDataset(filepath=str(tmp_path / "06_models" / "journals"))
    assert dataset.load().path == tmp_path / "06_models" / "journals"
    assert dataset.exists()


def test_journals_of_remote_data_lie_in_the_cache_one_folder_for_each_root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one, two, again = (
        JournalFolderDataset(filepath=f"gs://{bucket}/06_models/journals").load().path
        for bucket in ("one", "two", "one")
    )
    assert one == again != two
    assert one.parent == tmp_path / "book_forecast" / "journals"
    with JournalFolderDataset(filepath="gs://one/06_models/journals").load().open("9"):
        assert one.is_dir()


def test_a_given_local_root_is_used_for_remote_data_only(tmp_path):
    local = str(tmp_path / "work")
    remote = JournalFolderDataset(filepath="gs://b/journals", local_root=local)
    assert remote.load().path.parent == Path(local)
    near = JournalFolderDataset(filepath=str(tmp_path / "journals"), local_root=local)
    assert near.load().path == tmp_path / "journals"


def test_without_a_writable_home_journals_of_remote_data_go_to_the_temporary_folder(
    tmp_path, monkeypatch
):
    blocker = tmp_path / "file"
    blocker.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocker))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    path = JournalFolderDataset(filepath="gs://b/journals").load().path
    assert path.is_relative_to(tmp_path / "tmp")


def test_journals_cannot_be_saved(tmp_path):
    with pytest.raises(DatasetError, match="is an input only"):
        JournalFolderDataset(filepath=str(tmp_path)).save({})  # type: ignore[arg-type]
