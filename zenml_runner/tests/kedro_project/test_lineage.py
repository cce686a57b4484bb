"""The datasets that a step reads and writes."""

from typing import Any

import pandas as pd
import pytest
from fsspec.implementations.local import LocalFileSystem
from kedro.io import DataCatalog

from zenml_runner.kedro_project.lineage import DatasetEntry, LineageRecorder, StepLineage, describe


@pytest.fixture
def catalog(tmp_path):
    entries: dict[str, dict[str, Any]] = {
        "table": {"type": "pandas.CSVDataset", "filepath": f"{tmp_path}/table.csv"},
        "model": {
            "type": "json.JSONDataset",
            "filepath": f"{tmp_path}/model.json",
            "versioned": True,
        },
        "parts": {
            "type": "partitions.PartitionedDataset",
            "path": f"{tmp_path}/parts",
            "dataset": "json.JSONDataset",
        },
        "remote": {"type": "text.TextDataset", "filepath": "memory:///text.txt"},
        "cached": {
            "type": "CachedDataset",
            "dataset": {"type": "text.TextDataset", "filepath": f"{tmp_path}/c.txt"},
        },
    }
    return DataCatalog.from_config(entries, save_version="2026-01-02T03.04.05.678Z")


def test_a_file_has_location_size_and_fingerprint(catalog, tmp_path):
    catalog.save("table", pd.DataFrame({"n": [1, 2]}))
    entry = describe(catalog, "table", rows=2)
    assert entry.uri == f"{tmp_path}/table.csv"
    assert (entry.rows, entry.bytes) == (2, (tmp_path / "table.csv").stat().st_size)
    assert describe(catalog, "table").fingerprint == entry.fingerprint
    catalog.save("table", pd.DataFrame({"n": [1, 2, 3]}))
    assert describe(catalog, "table").fingerprint != entry.fingerprint


def test_a_versioned_file_has_its_version_in_the_uri(catalog, tmp_path):
    catalog.save("model", {"a": 1})
    uri = f"{tmp_path}/model.json/2026-01-02T03.04.05.678Z/model.json"
    assert describe(catalog, "model").uri == uri


def test_a_folder_counts_with_all_its_files(catalog):
    catalog.save("parts", {"one": {"n": 1}, "two": {"n": 2}})
    before = describe(catalog, "parts")
    catalog.save("parts", {"three": {"n": 3}})
    after = describe(catalog, "parts")
    assert (after.bytes or 0) > (before.bytes or 0)
    assert after.fingerprint != before.fingerprint


def test_a_remote_file_has_its_protocol_in_the_uri(catalog):
    catalog.save("remote", "text")
    assert describe(catalog, "remote").uri == "memory:///text.txt"


def test_a_wrapped_file_is_described_as_itself(catalog, tmp_path):
    catalog.save("cached", "text")
    assert describe(catalog, "cached").uri == f"{tmp_path}/c.txt"


def test_a_missing_file_has_a_location_but_no_size(catalog, tmp_path):
    entry = describe(catalog, "table")
    assert (entry.uri, entry.bytes) == (f"{tmp_path}/table.csv", None)


def test_an_unreadable_location_is_a_warning(catalog, tmp_path, monkeypatch, caplog):
    def refuse(*_: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(LocalFileSystem, "info", refuse)
    assert describe(catalog, "table", rows=2) == DatasetEntry(uri=f"{tmp_path}/table.csv", rows=2)
    assert "table.csv cannot be read (not yours)" in caplog.text


def test_what_nodes_load_and_save_is_recorded_without_parameters(catalog):
    recorder = LineageRecorder()
    catalog.save("table", pd.DataFrame({"n": [1, 2]}))
    recorder.after_dataset_loaded("table", pd.DataFrame({"n": [1, 2]}))
    recorder.after_dataset_loaded("params:count", 3)
    # A generator node saves in pieces.
    for _ in range(3):
        recorder.after_dataset_saved("remote", ["a", "b"])
    lineage = recorder.lineage(catalog)
    assert {name: entry.rows for name, entry in lineage.read.items()} == {"table": 2}
    assert lineage.written["remote"].rows == 6
    assert lineage.metadata()["read"]["table"]["rows"] == 2
    assert StepLineage.model_validate(lineage.model_dump()) == lineage
