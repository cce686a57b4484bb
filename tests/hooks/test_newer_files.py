"""A table that was made before newer files came says so, however far down it is read."""

import os
import time
from pathlib import Path

import pandas as pd
import pytest
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro.runner import SequentialRunner

from book_forecast.datasets import AtomicParquetDataset, CsvTableDataset
from book_forecast.hooks.lineage import LineageHooks


def tidy(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[["isbn"]].copy()


def count(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"titles": [table["isbn"].nunique()]})


INGEST = Pipeline([node(tidy, "exports", "rows"), node(tidy, "rows", "sales")])
PREPARE = Pipeline([node(count, "sales", "counts")])
FORECAST = Pipeline([node(count, "sales", "again"), node(lambda counts: None, "counts", None)])
LATER = Pipeline([node(lambda counts: None, "counts", None)])


class Project:
    """Runs of pipelines on one folder, each with a catalog and hooks of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exports = folder / "01_raw/sales"
        self.exports.mkdir(parents=True)

    def deliver(self, name: str, *isbns: str) -> None:
        (self.exports / name).write_text("isbn\n" + "\n".join(isbns))

    def run(self, *pipelines: Pipeline) -> None:
        catalog = DataCatalog(
            {
                "exports": CsvTableDataset(filepath=str(self.exports), columns=["isbn"]),
                "rows": MemoryDataset(),
                "sales": AtomicParquetDataset(filepath=str(self.folder / "sales.parquet")),
                "counts": AtomicParquetDataset(filepath=str(self.folder / "counts.parquet")),
                "again": MemoryDataset(),
            }
        )
        manager = _create_hook_manager()
        hooks = LineageHooks()
        manager.register(hooks)
        hooks.before_pipeline_run({"run_id": "now"}, catalog)
        SequentialRunner().run(sum(pipelines, Pipeline([])), catalog, manager)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder with one export, from which the tables are made."""
    made = Project(tmp_path)
    made.deliver("a.csv", "1", "2")
    made.run(INGEST, PREPARE)
    return made


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]


def test_without_newer_files_nothing_is_said(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    project.run(FORECAST)
    # A copy of the same content is no newer file, whatever its time.
    project.deliver("a.csv", "1", "2")
    project.run(FORECAST)
    assert warnings(caplog) == []


@pytest.mark.parametrize("pipeline", [FORECAST, LATER], ids=["direct", "through another table"])
def test_a_newer_file_is_named_with_the_command_that_brings_it_in(
    project: Project, caplog: pytest.LogCaptureFixture, pipeline: Pipeline
) -> None:
    project.deliver("b.csv", "3")
    project.run(pipeline)
    (warning,) = warnings(caplog)
    assert "01_raw/sales has 1 newer files (b.csv)" in warning
    assert "sales was made from" in warning
    assert "--pipeline weekly" in warning
    assert len(warning) <= 140


def test_a_file_with_other_content_of_the_same_size_is_newer(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    project.deliver("a.csv", "1", "3")
    project.run(FORECAST)
    assert "(a.csv)" in warnings(caplog)[0]


def test_a_file_that_is_gone_is_counted(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    project.deliver("b.csv", "3")
    project.run(INGEST, PREPARE)
    (project.exports / "b.csv").unlink()
    project.run(FORECAST)
    assert "0 newer files and lacks 1 that sales was made from" in warnings(caplog)[0]


def test_the_run_that_reads_the_files_has_nothing_to_report(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    project.deliver("b.csv", "3")
    project.run(INGEST, PREPARE, FORECAST)
    assert warnings(caplog) == []


def test_a_repeated_run_leaves_the_files_of_its_tables_as_they_are(project: Project) -> None:
    tables = [project.folder / name for name in ("sales.parquet", "counts.parquet")]
    before = [(path.stat().st_mtime_ns, path.read_bytes()) for path in tables]
    project.run(INGEST, PREPARE)
    assert [(path.stat().st_mtime_ns, path.read_bytes()) for path in tables] == before


def age(path: Path) -> None:
    """Let the clock go on since the last change of a file."""
    ages = path.stat().st_ctime + 2.5 - time.time()
    time.sleep(max(ages, 0.0))


def test_a_file_is_read_once_while_nothing_changes_it(project, monkeypatch):
    dataset = CsvTableDataset(filepath=str(project.exports), columns=["isbn"])
    age(project.exports / "a.csv")
    first = dataset.listing()

    def read(path: Path) -> bytes:
        pytest.fail(f"{path} is read again")

    monkeypatch.setattr(Path, "read_bytes", read)
    assert dataset.listing() == first


def test_a_change_of_the_same_size_and_time_is_seen(project):
    path = project.exports / "a.csv"
    age(path)
    dataset = CsvTableDataset(filepath=str(project.exports), columns=["isbn"])
    found, times = [dataset.listing()], path.stat()
    for isbns in (("1", "3"), ("1", "4")):
        project.deliver("a.csv", *isbns)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        found.append(dataset.listing())
    assert len({each["a.csv"] for each in found}) == 3
