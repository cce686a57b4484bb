"""A save that fails leaves the old file as it was, and nothing beside it."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from kedro.io import DataCatalog
from kedro.io.core import DatasetError

from book_forecast.datasets import (
    AtomicJSONDataset,
    AtomicParquetDataset,
    AtomicPlotlyDataset,
    AtomicTextDataset,
    FigurePageDataset,
)

GOOD = pd.DataFrame({"isbn": pd.Series(["9780722532935"], dtype="str"), "volume": [3.0]})
# The first column is written before the second turns out to hold two kinds of value.
UNWRITABLE = pd.DataFrame({"volume": [1.0, 2.0], "week": [{"a": 1}, "text"]})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class HalfWritten(dict):
    """A document whose second value cannot be written once the first has been."""

    def __init__(self):
        super().__init__(first="written " * 10_000, second=object())


class HalfFigure(go.Figure):
    def write_json(self, file, *args, **kwargs):
        file.write('{"data": [')
        raise OSError(28, "No space left on device")


CASES = [
    pytest.param(AtomicParquetDataset, "table.parquet", GOOD, UNWRITABLE, id="parquet"),
    pytest.param(AtomicJSONDataset, "summary.json", {"mase": 0.8}, HalfWritten(), id="json"),
    pytest.param(
        AtomicPlotlyDataset, "plot.json", go.Figure(go.Bar(y=[1])), HalfFigure(), id="fig"
    ),
]


def test_a_figure_with_a_page_is_json_and_a_page_of_its_headline(tmp_path):
    figure = go.Figure(go.Bar(y=[1]), layout={"title": {"text": "Tom &amp; Co<br>a note"}})
    dataset = FigurePageDataset(filepath=str(tmp_path / "plot.json"))
    dataset.save(figure)
    assert dataset.load() == figure
    assert names(tmp_path) == ["plot.html", "plot.json"]
    page = (tmp_path / "plot.html").read_text()
    assert "<title>Tom &amp; Co</title>" in page
    assert "src=" not in page


def test_a_page_of_text_is_replaced_as_a_whole(tmp_path):
    dataset = AtomicTextDataset(filepath=str(tmp_path / "index.html"))
    dataset.save("Grüße")
    assert dataset.load() == "Grüße"
    with pytest.raises(DatasetError):
        dataset.save(3)
    assert dataset.load() == "Grüße"
    assert names(tmp_path) == ["index.html"]


@pytest.mark.parametrize(("kind", "name", "good", "bad"), CASES)
def test_a_failing_save_leaves_the_old_file_and_no_litter(tmp_path, kind, name, good, bad):
    dataset = kind(filepath=str(tmp_path / name))
    dataset.save(good)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(DatasetError, match="Failed while saving"):
        dataset.save(bad)
    assert (tmp_path / name).read_bytes() == before
    assert names(tmp_path) == [name]


@pytest.mark.parametrize(("kind", "name", "good", "bad"), CASES)
def test_a_failing_first_save_leaves_nothing(tmp_path, kind, name, good, bad):
    dataset = kind(filepath=str(tmp_path / "layer" / name))
    with pytest.raises(DatasetError):
        dataset.save(bad)
    assert not dataset.exists()
    assert names(tmp_path / "layer") == []


@pytest.mark.parametrize(("kind", "name", "good", "bad"), CASES)
def test_a_save_makes_its_folder_and_loads_back_equal(tmp_path, kind, name, good, bad):
    dataset = kind(filepath=str(tmp_path / "a" / "b" / name))
    dataset.save(good)
    loaded = dataset.load()
    if kind is AtomicParquetDataset:
        pd.testing.assert_frame_equal(loaded, good)
    else:
        assert loaded == good


def test_a_full_disk_leaves_the_old_table(tmp_path):
    path = tmp_path / "table.parquet"
    dataset = AtomicParquetDataset(filepath=str(path))
    dataset.save(GOOD)
    before = path.read_bytes()
    large = pd.DataFrame({"x": np.random.default_rng(1).random(200_000)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(DatasetError, match="File too large"):
            dataset.save(large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["table.parquet"]


KILLED = """
import os, signal, sys
from book_forecast.datasets import AtomicJSONDataset
class Killer(dict):
    def items(self):
        yield "first", "x" * 100_000
        os.kill(os.getpid(), signal.SIGKILL)
AtomicJSONDataset(filepath=sys.argv[1], save_args={"indent": 2}).save(Killer(first=1))
"""


def test_a_kill_leaves_the_old_file_and_its_litter_goes_with_a_later_save(tmp_path):
    path = tmp_path / "summary.json"
    dataset = AtomicJSONDataset(filepath=str(path))
    dataset.save({"mase": 0.8})
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )
    assert killed.returncode == -signal.SIGKILL
    assert dataset.load() == {"mase": 0.8}
    (litter,) = tmp_path.glob(".summary.json.*.tmp")
    dataset.save({"mase": 0.7})
    assert litter.exists()  # it might be another process's, at work right now
    long_ago = time.time() - 2 * 3600
    os.utime(litter, (long_ago, long_ago))
    dataset.save({"mase": 0.6})
    assert names(tmp_path) == ["summary.json"]


def test_a_link_is_kept_and_its_target_replaced(tmp_path):
    target = tmp_path / "disk" / "real.json"
    target.parent.mkdir()
    target.write_text("{}")
    link = tmp_path / "link.json"
    link.symlink_to(target)
    AtomicJSONDataset(filepath=str(link)).save({"mase": 1})
    assert link.is_symlink()
    assert '"mase": 1' in target.read_text()


def test_a_saved_file_has_the_usual_permissions(tmp_path):
    AtomicJSONDataset(filepath=str(tmp_path / "new.json")).save({})
    Path(tmp_path / "plain").touch()
    assert (tmp_path / "new.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "table.parquet").mkdir()
    with pytest.raises(DatasetError, match=r"table\.parquet is a folder"):
        AtomicParquetDataset(filepath=str(tmp_path / "table.parquet")).save(GOOD)


def test_text_is_written_as_utf8_whatever_the_locale(tmp_path, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    dataset = AtomicJSONDataset(
        filepath=str(tmp_path / "t.json"), save_args={"ensure_ascii": False}
    )
    dataset.save({"title": "Où est Spot ?"})
    assert "Où".encode() in (tmp_path / "t.json").read_bytes()


def test_a_refused_frame_leaves_the_old_table_and_names_the_check(tmp_path, monkeypatch):
    (tmp_path / "schemas_here.py").write_text(
        "import pandera.pandas as pa\n"
        "schema = pa.DataFrameSchema({'volume': pa.Column(float, pa.Check.ge(0))})\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    catalog = DataCatalog.from_config(
        {
            "sales": {
                "type": "book_forecast.datasets.AtomicParquetDataset",
                "filepath": str(tmp_path / "sales.parquet"),
                "validator": "schemas_here.schema",
            }
        }
    )
    catalog.save("sales", GOOD)
    with pytest.raises(Exception, match="greater_than_or_equal_to"):
        catalog.save("sales", GOOD.assign(volume=-1.0))
    pd.testing.assert_frame_equal(catalog.load("sales"), GOOD)


def test_kedro_viz_previews_the_table_and_the_figure(tmp_path):
    import inspect

    table = AtomicParquetDataset(filepath=str(tmp_path / "t.parquet"))
    table.save(
        pd.DataFrame({"week": pd.date_range("2024-01-06", periods=9, freq="W-SAT"), "n": range(9)})
    )
    preview = table.preview(nrows=2)
    assert preview["columns"] == ["week", "n"]
    assert [row[1] for row in preview["data"]] == [0, 1]
    assert inspect.signature(table.preview).return_annotation == "TablePreview"
    figure = AtomicPlotlyDataset(filepath=str(tmp_path / "f.json"))
    figure.save(go.Figure(go.Bar(y=[1, 2])))
    assert figure.preview()["data"][0]["type"] == "bar"
    assert inspect.signature(figure.preview).return_annotation == "PlotlyPreview"


def test_an_empty_table_is_saved_loaded_and_previewed(tmp_path):
    dataset = AtomicParquetDataset(filepath=str(tmp_path / "t.parquet"))
    dataset.save(GOOD.iloc[:0])
    pd.testing.assert_frame_equal(dataset.load(), GOOD.iloc[:0].reset_index(drop=True))
    assert dataset.preview()["columns"] == ["isbn", "volume"]
