"""A run with the same inputs reads frames over all titles, bit for bit."""

import os
import time

import numpy as np
import pandas as pd

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.fingerprints import fingerprint
from book_forecast.execution.frame_checkpoints import read_or_make

FRAME = pd.DataFrame(
    {
        "isbn": ["9780722532935", "9780241003008"],
        "week": pd.to_datetime(["2024-01-06", "2024-01-13"]),
        "mean": [0.1 + 0.2, np.nan],
        "effect": np.array([1.5, -0.0], dtype=np.float32),
    }
).astype({"isbn": "str", "week": "datetime64[us]"})


def made(frame: pd.DataFrame = FRAME) -> tuple[list[str], object]:
    calls: list[str] = []

    def make() -> pd.DataFrame:
        calls.append("made")
        return frame

    return calls, make


def read(folder, calls_and_make, generation="abc", name="fit"):
    return read_or_make(CheckpointFolder(folder), name, generation, "Models", calls_and_make[1])


def test_a_frame_comes_back_bit_for_bit_and_is_made_once(tmp_path):
    work = made()
    first, second = read(tmp_path, work), read(tmp_path, work)
    assert work[0] == ["made"]
    pd.testing.assert_frame_equal(first, FRAME, check_exact=True)
    pd.testing.assert_frame_equal(second, FRAME, check_exact=True)
    assert fingerprint(second) == fingerprint(FRAME)
    assert np.signbit(second["effect"].iloc[1])


def test_another_generation_or_name_is_made_anew(tmp_path):
    work = made()
    for generation, name in (("abc", "fit"), ("abd", "fit"), ("abc", "other")):
        read(tmp_path, work, generation, name)
    assert len(work[0]) == 3


def test_a_file_that_cannot_be_read_is_made_anew_with_a_warning(tmp_path, caplog):
    work = made()
    read(tmp_path, work)
    [path] = tmp_path.glob("fit/*.parquet")
    path.write_bytes(path.read_bytes()[:50])
    pd.testing.assert_frame_equal(read(tmp_path, work), FRAME)
    assert "cannot be read" in caplog.text
    read(tmp_path, work)
    assert len(work[0]) == 2


def test_a_folder_that_cannot_be_written_costs_a_warning_alone(tmp_path, caplog):
    (tmp_path / "fit").write_text("no folder")
    pd.testing.assert_frame_equal(read(tmp_path, made()), FRAME)
    assert "is not saved" in caplog.text


def test_frames_that_no_run_has_used_for_a_day_are_removed(tmp_path):
    work = made()
    for generation in ("unused", "used"):
        read(tmp_path, work, generation)
    old = time.time() - 2 * 24 * 3600
    for path in tmp_path.glob("fit/*.parquet"):
        os.utime(path, (old, old))
    read(tmp_path, work, "used")
    read(tmp_path, work, "new")
    assert sorted(path.stem for path in tmp_path.glob("fit/*.parquet")) == ["new", "used"]


def test_a_frame_without_rows_is_not_saved(tmp_path):
    assert read(tmp_path, made(FRAME.iloc[:0])).empty
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_place_of_another_is_made_anew(tmp_path, caplog):
    other = made(FRAME.assign(mean=1.0))
    read(tmp_path, other, "abd")
    [path] = tmp_path.glob("fit/*.parquet")
    path.rename(path.with_name(path.name.replace("abd", "abc")))
    pd.testing.assert_frame_equal(read(tmp_path, made()), FRAME)
    assert "cannot be read" in caplog.text
