"""Datasets work on a bucket as on a local folder."""

import gzip
import io
import json
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import fsspec
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from kedro.io.core import DatasetError

from book_forecast.bookscan.hints import ExportHints
from book_forecast.datasets import (
    AtomicJSONDataset,
    AtomicParquetDataset,
    AtomicPlotlyDataset,
    CheckpointFolderDataset,
    CsvTableDataset,
    ExportsDataset,
    FiguresDataset,
    GenerationDataset,
    TitleListsDataset,
)
from book_forecast.execution.parts import Part
from book_forecast.options.groups import Shard
from book_forecast.storage.errors import UserError
from book_forecast.storage.files import replacing

pytest_plugins = ("tests.gcs",)

TITLES = [f"97800000000{i:02d}" for i in range(11)]
GOOD = pd.DataFrame(
    {
        "isbn": pd.Series(TITLES, dtype="str"),
        "week": pd.date_range("2024-01-06", periods=11, freq="W-SAT"),
        "volume": np.arange(11.0),
    }
)
UNWRITABLE = pd.DataFrame({"volume": [1.0, 2.0], "week": [{"a": 1}, "text"]})


class HalfFigure(go.Figure):
    def write_json(self, file, *args, **kwargs):
        file.write('{"data": [')
        raise OSError("connection lost")


def objects(bucket: str) -> list[str]:
    fs, path = fsspec.core.url_to_fs(bucket)
    fs.invalidate_cache()
    return sorted(found.removeprefix(f"{path}/") for found in fs.find(path))


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (AtomicParquetDataset, GOOD, UNWRITABLE),
        (AtomicJSONDataset, {"mase": 0.8}, {"first": "x" * 100_000, "second": object()}),
        (AtomicPlotlyDataset, go.Figure(go.Bar(y=[1])), HalfFigure()),
    ],
)
def test_a_failing_save_leaves_the_old_object(gcs_bucket, kind, good, bad):
    path = f"{gcs_bucket}/data/08_reporting/thing"
    dataset = kind(filepath=path)
    assert not dataset.exists()
    dataset.save(good)
    before = fsspec.open(path).open().read()
    with pytest.raises(DatasetError, match="Failed while saving"):
        dataset.save(bad)
    assert fsspec.open(path).open().read() == before
    assert objects(gcs_bucket) == ["data/08_reporting/thing"]


def test_a_table_is_saved_replaced_previewed_and_read_by_pandas(gcs_bucket):
    path = f"{gcs_bucket}/data/03_primary/weekly_sales.parquet"
    dataset = AtomicParquetDataset(filepath=path)
    dataset.save(GOOD.assign(volume=-1.0))
    dataset.save(GOOD)
    pd.testing.assert_frame_equal(dataset.load(), GOOD)
    # Without storage_options pandas takes pyarrow's own client, which knows no emulator.
    pd.testing.assert_frame_equal(pd.read_parquet(path, storage_options={}), GOOD)
    assert dataset.preview(nrows=2)["data"][1][0] == TITLES[1]
    assert dataset.exists()


def test_a_table_written_by_hand_is_read_at_once(gcs_bucket):
    path = f"{gcs_bucket}/data/01_raw/promotions"
    dataset = CsvTableDataset(filepath=path, columns=["isbn", "week", "depth"])
    assert dataset.load().empty
    fs, folder = fsspec.core.url_to_fs(path)
    fs.pipe_file(f"{folder}/.gitkeep", b"")
    assert dataset.load().empty
    fs.pipe_file(f"{folder}/plan.csv", f"isbn,week,depth\n{TITLES[0]},2024-01-06,0.2\n".encode())
    assert list(dataset.load()["file"]) == ["promotions/plan.csv"]


def test_lists_of_titles_are_read_from_a_folder_that_may_be_missing(gcs_bucket):
    path = f"{gcs_bucket}/data/01_raw/titles/"
    dataset = TitleListsDataset(filepath=path)
    assert dataset.load().files() == []
    fs, folder = fsspec.core.url_to_fs(path)
    content = f"ISBN,Title,Publication Date\n{TITLES[0]},x,2024-01-06\n".encode()
    fs.pipe_file(f"{folder.rstrip('/')}/2024/list.csv", content)
    lists = dataset.load()
    assert lists.files() == ["titles/2024/list.csv"]
    [raw] = lists.read("titles/2024/list.csv", ExportHints())
    assert raw.layout.is_title_list
    assert raw.table["publication_date"].to_pylist() == ["2024-01-06"]


def test_a_large_table_is_uploaded_whole(gcs_bucket):
    dataset = AtomicParquetDataset(filepath=f"{gcs_bucket}/large.parquet")
    large = pd.DataFrame({"x": np.random.default_rng(1).random(1_000_000)})
    dataset.save(large)
    pd.testing.assert_frame_equal(dataset.load(), large)


def test_documents_and_figures_load_back_equal(gcs_bucket):
    document = AtomicJSONDataset(filepath=f"{gcs_bucket}/summary.json")
    document.save({"title": "Où est Spot ?"})
    assert document.load() == {"title": "Où est Spot ?"}
    figure = AtomicPlotlyDataset(filepath=f"{gcs_bucket}/plot.json")
    figure.save(go.Figure(go.Bar(y=[1, 2])))
    assert figure.load() == go.Figure(go.Bar(y=[1, 2]))
    assert figure.preview()["data"][0]["type"] == "bar"


def test_an_interrupted_write_leaves_the_old_object(gcs_bucket):
    fs, path = fsspec.core.url_to_fs(f"{gcs_bucket}/file")
    with replacing(fs, path) as file:
        file.write(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(fs, path) as file:  # noqa: PT012
        file.write(b"half of the new")
        raise KeyboardInterrupt
    assert fs.cat_file(path) == b"old"


def save_all(dataset: GenerationDataset, name: str, count: int, value: int) -> None:
    for index in range(1, count + 1):
        shard = Shard(index=index, count=count)
        isbns = shard.take(TITLES)
        frame = pd.DataFrame({"isbn": pd.Series(isbns, dtype="str"), "value": value})
        dataset.save(Part(frame, name, shard))


def test_generations_are_read_whole_and_replaced(gcs_bucket):
    path = f"{gcs_bucket}/data/06_models/specifications"
    writer = GenerationDataset(filepath=path, keep=2)
    reader = GenerationDataset(filepath=path)
    with pytest.raises(UserError, match="there is nothing in"):
        reader.load()
    save_all(writer, "aa", 4, value=1)
    assert reader.load()["isbn"].tolist() == TITLES
    writer.save(Part(pd.DataFrame({"isbn": ["x"], "value": [2]}), "bb", Shard(index=1, count=2)))
    assert reader.load()["value"].unique().tolist() == [1]
    save_all(writer, "bb", 2, value=2)
    save_all(writer, "cc", 1, value=3)
    assert reader.load()["value"].unique().tolist() == [3]
    folders = {name.split("/")[3] for name in objects(gcs_bucket)}
    assert folders == {"bb", "cc"}
    assert reader.exists()
    assert reader.preview()["columns"] == ["isbn", "value"]


def test_fewer_shards_after_more_are_read_alone(gcs_bucket):
    path = f"{gcs_bucket}/models"
    dataset = GenerationDataset(filepath=path)
    save_all(dataset, "aa", 5, value=1)
    save_all(dataset, "aa", 2, value=2)
    assert dataset.load()["value"].tolist() == [2] * len(TITLES)
    assert objects(gcs_bucket) == [
        "models/aa/0001-of-0002.parquet",
        "models/aa/0002-of-0002.parquet",
        "models/aa/manifest.json",
    ]


def test_a_failing_part_leaves_the_old_generation(gcs_bucket):
    dataset = GenerationDataset(filepath=f"{gcs_bucket}/models")
    save_all(dataset, "aa", 2, value=1)
    with pytest.raises(DatasetError):
        dataset.save(Part(UNWRITABLE, "aa", Shard(index=1, count=2)))
    assert dataset.load()["isbn"].tolist() == TITLES


def test_a_set_of_pages_is_replaced_as_a_whole(gcs_bucket):
    dataset = FiguresDataset(filepath=f"{gcs_bucket}/plots")
    dataset.save({"a": go.Figure(), "b": go.Figure()})

    def fail() -> go.Figure:
        raise ValueError("no weeks")

    with pytest.raises(DatasetError, match="no weeks"):
        dataset.save({"c": go.Figure(), "d": fail})
    assert objects(gcs_bucket) == ["plots/a.html", "plots/b.html", "plots/plotly.min.js"]
    dataset.save({"b": go.Figure(), "c": go.Figure()})
    assert objects(gcs_bucket) == ["plots/b.html", "plots/c.html", "plots/plotly.min.js"]
    assert dataset.load() == {
        "b": f"{gcs_bucket}/plots/b.html",
        "c": f"{gcs_bucket}/plots/c.html",
    }


def test_an_interrupted_set_of_pages_is_completed(gcs_bucket):
    dataset = FiguresDataset(filepath=f"{gcs_bucket}/plots")
    dataset.save({"a": go.Figure()})
    fs, path = fsspec.core.url_to_fs(f"{gcs_bucket}/plots")
    fs.pipe({f"{path}/.staging-1/b.html": b"new", f"{path}/.staging-1/plotly.min.js": b"js"})
    assert list(dataset.load()) == ["a"]
    names = json.dumps(["plotly.min.js", "b.html"]).encode()
    fs.pipe_file(f"{path}/.staging-1/complete.json", names)
    assert list(dataset.load()) == ["b"]
    assert objects(gcs_bucket) == ["plots/b.html", "plots/plotly.min.js"]


def test_checkpoints_of_a_bucket_are_on_the_local_disk(gcs_bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = CheckpointFolderDataset(filepath=f"{gcs_bucket}/06_models/checkpoints").load()
    checkpoint = folder.open("search_orders", "aa")
    checkpoint.save("9780722532935", {"p": 1})
    assert checkpoint.load(["9780722532935"]) == {"9780722532935": {"p": 1}}
    assert checkpoint.path.is_relative_to(tmp_path)
    assert objects(gcs_bucket) == []


def test_shards_that_end_at_once_complete_the_generation(gcs_bucket):
    path = f"{gcs_bucket}/models"
    barrier = threading.Barrier(4)

    def save(index: int) -> None:
        shard = Shard(index=index, count=4)
        frame = pd.DataFrame({"isbn": pd.Series(shard.take(TITLES), dtype="str")})
        barrier.wait()
        GenerationDataset(filepath=path).save(Part(frame, "aa", shard))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(1, 5)))
    assert "models/aa/manifest.json" in objects(gcs_bucket)
    assert GenerationDataset(filepath=path).load()["isbn"].tolist() == TITLES


def test_exports_are_read_from_subfolders_and_archives_of_a_bucket(gcs_bucket):
    csv = b"ISBN,Volume,Interval\n9780722532935,3,201909\n"
    book = io.BytesIO()
    pd.read_csv(io.BytesIO(csv)).to_excel(book, index=False)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("in/w1.csv", csv)
        members.writestr("w2.csv.gz", gzip.compress(csv))
    folder = f"{gcs_bucket}/data/01_raw/sales"
    contents = {
        "2026/w31.csv": csv,
        ".hidden/a.csv": csv,
        "a.xlsx": book.getvalue(),
        "b.csv.gz": gzip.compress(csv),
        "c.zip": archive.getvalue(),
        "notes.txt": b"Where these come from",
    }
    fs, path = fsspec.core.url_to_fs(folder)
    for name, content in contents.items():
        fs.pipe_file(f"{path}/{name}", content)
    exports = ExportsDataset(filepath=f"{folder}/").load()
    names = ["2026/w31.csv", "a.xlsx", "b.csv.gz", "c.zip/in/w1.csv", "c.zip/w2.csv.gz"]
    assert exports.files() == names
    for name in names:
        (raw,) = exports.read(name, ExportHints())
        assert raw.table["isbn"].to_pylist() == ["9780722532935"]
    with pytest.raises(UserError, match=r"no folder gs://.*/elsewhere"):
        ExportsDataset(filepath=f"{gcs_bucket}/elsewhere").load().files()
