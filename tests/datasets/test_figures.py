"""The pages of a folder are the old set or the new one, and no mixture."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import plotly.graph_objects as go
import pytest
from kedro.io.core import DatasetError

from book_forecast.datasets import FiguresDataset


def figure(title: str) -> go.Figure:
    return go.Figure(go.Bar(y=[1, 2]), layout={"title": {"text": title}})


def pages(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.suffix == ".html"}


def test_each_figure_is_a_page_that_needs_no_network(tmp_path):
    dataset = FiguresDataset(filepath=str(tmp_path / "plots"))
    dataset.save({"9780722532935": figure("first"), "9780241003008": lambda: figure("second")})
    assert set(pages(tmp_path / "plots")) == {"9780722532935.html", "9780241003008.html"}
    page = pages(tmp_path / "plots")["9780241003008.html"]
    assert "second" in page
    assert 'src="plotly.min.js"' in page
    assert "cdn" not in page
    assert (tmp_path / "plots" / "plotly.min.js").stat().st_size > 1_000_000
    assert dataset.load() == {
        name: f"file://{tmp_path}/plots/{name}.html" for name in ("9780241003008", "9780722532935")
    }


def test_a_page_has_a_title_a_language_and_a_way_to_all_pages(tmp_path):
    dataset = FiguresDataset(
        filepath=str(tmp_path / "plots"), label="forecast", index="../index.html"
    )
    title = "Tom &amp; &lt;/title>&lt;script>alert(1)&lt;/script><br><span>note</span>"
    dataset.save({"1": figure(title), "2": go.Figure()})
    first, second = pages(tmp_path / "plots")["1.html"], pages(tmp_path / "plots")["2.html"]
    escaped = "Tom &amp; &lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;, forecast"
    assert f"<title>{escaped}</title>" in first
    assert "<script>alert" not in first
    assert "<title>2, forecast</title>" in second
    for page in (first, second):
        assert '<html lang="en">' in page
        assert 'name="viewport"' in page
        assert 'href="../index.html"' in page


def test_a_new_set_leaves_no_page_of_the_old_one(tmp_path):
    dataset = FiguresDataset(filepath=str(tmp_path))
    dataset.save({"a": figure("old"), "b": figure("old")})
    dataset.save({"b": figure("new"), "c": figure("new")})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.html", "c.html", "plotly.min.js"]
    assert all("new" in page for page in pages(tmp_path).values())
    dataset.save({})
    assert pages(tmp_path) == {}
    assert not dataset.exists()


def test_a_figure_that_fails_leaves_the_old_set(tmp_path):
    dataset = FiguresDataset(filepath=str(tmp_path))
    dataset.save({"a": figure("old"), "b": figure("old")})
    before = pages(tmp_path)

    def fail() -> go.Figure:
        raise ValueError("no weeks")

    with pytest.raises(DatasetError, match="no weeks"):
        dataset.save({"a": figure("new"), "b": fail})
    assert pages(tmp_path) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "b.html", "plotly.min.js"]


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".a", "a b"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name):
    with pytest.raises(DatasetError, match="is not a valid name"):
        FiguresDataset(filepath=str(tmp_path)).save({name: figure("x")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_an_interrupted_replacement_is_completed_by_the_next_use(tmp_path, moved):
    dataset = FiguresDataset(filepath=str(tmp_path))
    dataset.save({"a": figure("old"), "b": figure("old")})
    stage = tmp_path / ".staging-1"
    stage.mkdir()
    for name in ("b", "c"):
        (stage / f"{name}.html").write_text("new")
    (stage / "complete.json").write_text(json.dumps(["b.html", "c.html"]))
    for name in ("b", "c")[:moved]:
        (stage / f"{name}.html").replace(tmp_path / f"{name}.html")
    assert list(dataset.load()) == ["b", "c"]
    assert pages(tmp_path) == {"b.html": "new", "c.html": "new"}
    assert not stage.exists()


def test_what_a_killed_run_had_begun_goes_when_it_is_old(tmp_path):
    dataset = FiguresDataset(filepath=str(tmp_path))
    dataset.save({"a": figure("old")})
    stage = tmp_path / ".staging-1"
    stage.mkdir()
    assert list(dataset.load()) == ["a"]
    assert stage.exists()
    os.utime(stage, (1, 1))
    assert list(dataset.load()) == ["a"]
    assert not stage.exists()


KILLED = """
import sys
import plotly.graph_objects as go
from book_forecast.datasets import FiguresDataset
dataset = FiguresDataset(filepath=sys.argv[1])
print("ready", flush=True)
for number in range(10_000):
    dataset.save({f"page{k}": go.Figure(layout={"title": {"text": f"set{number}."}})
                  for k in range(number % 7, number % 7 + 20)})
"""


@pytest.mark.parametrize("after", [0.3, 0.55, 0.8])
def test_a_kill_at_any_time_leaves_one_whole_set(tmp_path, after):
    dataset = FiguresDataset(filepath=str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    while not pages(tmp_path):
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    assert len(dataset.load()) == 20
    sets = {page.partition('"text":"set')[2].partition(".")[0] for page in pages(tmp_path).values()}
    assert len(sets) == 1
