"""What users can read of errors."""

import errno

import pytest

from book_forecast.storage.errors import UserError, describe_storage_error, find_user_error


def raised(outer: Exception, inner: Exception) -> Exception:
    try:
        raise outer from inner
    except type(outer) as error:
        return error


def test_a_disk_error_behind_another_names_file_and_reason():
    inner = PermissionError(errno.EACCES, "Permission denied", "/data/a.parquet")
    said = describe_storage_error(raised(RuntimeError("Failed while saving"), inner))
    assert said is not None
    assert said.startswith("/data/a.parquet cannot be read or written: the permission is missing.")
    assert "the same command again" in said


def test_a_temporary_file_has_the_name_of_the_file_that_it_becomes():
    inner = OSError(errno.EROFS, "Read-only", "/data/.a.parquet." + "0" * 32 + ".tmp")
    assert (describe_storage_error(inner) or "").startswith("/data/a.parquet cannot")


def test_a_full_disk_is_told_with_the_file_of_the_dataset():
    outer = RuntimeError("Failed while saving data to dataset x(filepath=PurePosixPath('/d/x y'))")
    said = describe_storage_error(raised(outer, OSError(errno.ENOSPC, "No space left on device")))
    assert (said or "").startswith("/d/x y cannot be read or written: the disk is full.")


def test_a_real_folder_in_place_of_a_file_is_named(tmp_path):
    with pytest.raises(IsADirectoryError) as caught:
        tmp_path.open("w")
    assert str(tmp_path) in (describe_storage_error(caught.value) or "")


def test_other_errors_are_none_of_the_disks():
    assert describe_storage_error(KeyError("x")) is None
    assert describe_storage_error(FileNotFoundError(errno.ENOENT, "none", "x")) is None


def test_the_innermost_user_error_counts():
    inner = UserError("inner")
    assert find_user_error(raised(UserError("outer"), inner)) is inner
