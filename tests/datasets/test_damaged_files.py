"""A file that has changed since it was written is never read as if it were whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kedro.io.core import DatasetError

from book_forecast.datasets import (
    AtomicJSONDataset,
    AtomicParquetDataset,
    FormerTableDataset,
    ReleaseDataset,
    TitleRowsDataset,
)
from book_forecast.datasets.generations import GenerationDataset
from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.parts import Part
from book_forecast.options.groups import Shard
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError, find_user_error
from tests.releases import payloads
from tests.serving.servers import promote

TABLE = pd.DataFrame(
    {"isbn": ["9780722532935"] * 500, "volume": np.random.default_rng(0).uniform(size=500)}
).astype({"isbn": "str"})
FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def flipped(path: Path, place: float, bit: int) -> None:
    """Flip one bit of a file, at a share of its length."""
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1 << bit
    path.write_bytes(content)


def error_of(dataset: Any) -> UserError:
    with pytest.raises((DatasetError, UserError)) as caught:
        dataset.load()
    found = find_user_error(caught.value)
    assert found is not None
    return found


@FEW
@given(st.floats(0, 1), st.integers(0, 7))
def test_a_table_with_a_flipped_bit_is_an_error_or_the_same_table(tmp_path, place, bit):
    dataset = AtomicParquetDataset(filepath=str(tmp_path / "table.parquet"))
    path = tmp_path / "table.parquet"
    path.unlink(missing_ok=True)
    dataset.save(TABLE)
    flipped(path, place, bit)
    try:
        found = dataset.load()
    except DatasetError as error:
        if find_user_error(error) is None:
            raise
        return
    # What is left are names and statistics, which no checksum covers.
    assert np.array_equal(found.iloc[:, 1], TABLE["volume"])


@pytest.mark.parametrize("name", ["index_columns", "columns", "kind", "start"])
def test_a_table_with_a_damaged_name_beside_it_is_named(tmp_path, name):
    dataset = AtomicParquetDataset(filepath=str(tmp_path / "table.parquet"))
    dataset.save(TABLE)
    path = tmp_path / "table.parquet"
    table = pq.read_table(path)
    beside = table.schema.metadata[b"pandas"].replace(f'"{name}"'.encode(), b'"?"')
    pq.write_table(table.replace_schema_metadata({b"pandas": beside}), path)
    assert "table.parquet is damaged" in str(error_of(dataset))


def test_a_table_whose_checksum_has_lost_its_name_is_none_of_pandas(tmp_path):
    dataset = AtomicParquetDataset(filepath=str(tmp_path / "table.parquet"))
    dataset.save(TABLE)
    path = tmp_path / "table.parquet"
    content = path.read_bytes()
    assert content.count(b"book_forecast.checksum") == 1
    path.write_bytes(content.replace(b"book_forecast.checksum", b"book_forecast.checksuM"))
    assert "table.parquet is damaged" in str(error_of(dataset))


@FEW
@given(st.floats(0, 1), st.integers(0, 7))
def test_a_checkpoint_with_a_flipped_bit_is_computed_again_or_the_same(tmp_path, place, bit):
    results: dict[str, Any] = {
        f"978000000000{n}": {"mean": np.arange(20.0) + n, "order": (n, 1)} for n in range(4)
    }
    checkpoint = CheckpointFolder(tmp_path).open("fit", "abc")
    checkpoint.path.unlink(missing_ok=True)
    for isbn, result in results.items():
        checkpoint.save(isbn, result)
    flipped(checkpoint.path, place, bit)
    found = checkpoint.load(results)
    assert len(found) >= 2
    for isbn, result in found.items():
        assert result["order"] == results[isbn]["order"]
        assert np.array_equal(result["mean"], results[isbn]["mean"])


@pytest.mark.parametrize("line", ['{"op_code":6}', "[null]", "9780000000002 [null]", "\x00"])
def test_a_strange_line_in_a_checkpoint_is_passed_over(tmp_path, line):
    checkpoint = CheckpointFolder(tmp_path).open("fit", "abc")
    checkpoint.save("9780000000001", 1)
    with checkpoint.path.open("a") as file:
        file.write(line + "\n")
    checkpoint.save("9780000000003", 3)
    isbns = ["9780000000001", "9780000000002", "9780000000003"]
    assert checkpoint.load(isbns) == {"9780000000001": 1, "9780000000003": 3}


@pytest.mark.parametrize("content", [b"", b"PAR1", b'{"op_code":6}', b"<html>", b"\x00" * 100])
def test_a_damaged_table_is_named_with_what_to_do(tmp_path, content):
    dataset = AtomicParquetDataset(filepath=str(tmp_path / "table.parquet"))
    (tmp_path / "table.parquet").write_bytes(content)
    message = str(error_of(dataset))
    assert "table.parquet is damaged" in message
    assert "Delete it, and run the pipelines that write it again." in message


def test_a_run_replaces_a_damaged_record_and_names_it(tmp_path, caplog):
    path = tmp_path / "2024-06-29.parquet"
    dataset = TitleRowsDataset(filepath=str(path))
    rows = pd.DataFrame({"isbn": ["1"], "week": [pd.Timestamp("2024-07-06")], "mean": [3.0]})
    dataset.save(rows)
    path.write_bytes(path.read_bytes()[:-20])
    dataset.save(rows)
    assert f"{path} is damaged" in caplog.text
    pd.testing.assert_frame_equal(dataset.load(), rows, check_dtype=False)


def test_a_former_table_that_is_damaged_is_named_and_one_that_is_not_there_is_none(
    tmp_path, caplog
):
    path = tmp_path / "table.parquet"
    former = FormerTableDataset(filepath=str(path))
    assert former.load() is None
    assert not caplog.text
    AtomicParquetDataset(filepath=str(path)).save(TABLE)
    path.write_bytes(path.read_bytes()[:-20])
    assert former.load() is None
    assert f"{path} is damaged" in caplog.text


def test_a_damaged_document_is_named(tmp_path):
    dataset = AtomicJSONDataset(filepath=str(tmp_path / "summary.json"))
    (tmp_path / "summary.json").write_text('{"mase": 0.')
    assert "summary.json is damaged" in str(error_of(dataset))


def test_a_part_with_a_flipped_bit_is_named(tmp_path):
    dataset = GenerationDataset(filepath=str(tmp_path))
    dataset.save(Part(TABLE, "aa", Shard()))
    flipped(tmp_path / "aa/0001-of-0001.parquet", 0.5, 3)
    assert "0001-of-0001.parquet is damaged" in str(error_of(dataset))


@pytest.mark.parametrize("content", [b"", b"[null]", b'{"op_code":6}', b"\xff\xfe"])
def test_a_damaged_promotion_log_is_named(tmp_path, content):
    root = tmp_path / "releases"
    store = ReleaseStore(str(root))
    promote(store, payloads.saved(store))
    (record,) = (root / "changes").iterdir()
    record.write_bytes(content)
    message = str(error_of(ReleaseDataset(filepath=str(root))))
    assert f"{record.name} is damaged" in message
    assert "promote the release that is to be champion" in message
