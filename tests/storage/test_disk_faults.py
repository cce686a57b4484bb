"""A disk that is full or read-only: a clear error, and what was there before is still there."""

import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from kedro.io.core import DatasetError

from book_forecast.alerts.outbox import Outbox
from book_forecast.datasets import (
    AtomicParquetDataset,
    AtomicPlotlyDataset,
    AtomicTextDataset,
    CheckedJSONDataset,
    FiguresDataset,
    GenerationDataset,
    TitleRowsDataset,
)
from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.frame_checkpoints import read_or_make
from book_forecast.execution.parts import Part
from book_forecast.options.groups import Shard
from book_forecast.releases.kept import KeptReleases
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError, describe_storage_error, find_user_error
from book_forecast.storage.run_lock import Holder, run_lock
from tests import runs
from tests.releases import payloads
from tests.serving.servers import promote

SIZE = 12 << 20
OLD = pd.DataFrame({"isbn": ["9780722532935"], "week": [1], "volume": [1.0]})
_ROWS = 20_000
NEW = pd.DataFrame(
    {
        "isbn": ["9780241003008"] * _ROWS,
        "week": range(_ROWS),
        "volume": np.random.default_rng(5).random(_ROWS),
    }
)
TEXT = "x" * (1 << 20)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Fill a disk but for a few bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    yield
    filler.unlink()


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    yield
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


@dataclass
class Writer:
    """Something that writes, and reads what it has written."""

    write: Callable[[Any], Any]
    read: Callable[[], Any]
    old: Any
    new: Any


def table(disk: Path) -> Writer:
    dataset = AtomicParquetDataset(filepath=str(disk / "table.parquet"))
    return Writer(dataset.save, dataset.load, OLD, NEW)


def title_rows(disk: Path) -> Writer:
    dataset = TitleRowsDataset(filepath=str(disk / "rows.parquet"))
    return Writer(dataset.save, dataset.load, OLD, NEW)


def document(disk: Path) -> Writer:
    dataset = CheckedJSONDataset(filepath=str(disk / "document.json"))
    return Writer(dataset.save, dataset.load, {"text": "old"}, {"text": TEXT})


def page(disk: Path) -> Writer:
    dataset = AtomicTextDataset(filepath=str(disk / "index.html"))
    return Writer(dataset.save, dataset.load, "old", TEXT)


def plot(disk: Path) -> Writer:
    dataset = AtomicPlotlyDataset(filepath=str(disk / "plot.json"))
    old, new = (go.Figure(layout={"title": {"text": text}}) for text in ("old", TEXT))
    return Writer(dataset.save, dataset.load, old, new)


def figures(disk: Path) -> Writer:
    dataset = FiguresDataset(filepath=str(disk / "figures"))

    def write(texts: list[str]) -> None:
        dataset.save({f"title-{n}": go.Figure(go.Bar(x=[text])) for n, text in enumerate(texts)})

    return Writer(
        write,
        lambda: sorted(p.name for p in (disk / "figures").iterdir() if p.suffix == ".html"),
        ["old"],
        [TEXT, "another"],
    )


def generation(disk: Path) -> Writer:
    dataset = GenerationDataset(filepath=str(disk / "models"))

    def write(frame: pd.DataFrame) -> None:
        dataset.save(Part(frame, f"a{len(frame)}", Shard()))

    return Writer(write, dataset.load, OLD, NEW)


def release(disk: Path) -> Writer:
    store = ReleaseStore(str(disk / "releases"))

    def write(seed: int) -> None:
        promote(store, payloads.saved(store, seed=seed, titles=3 if seed == 1 else 400))

    def read() -> int:
        champion = store.champion()
        assert champion is not None
        return 1 if len(store.read(champion)) == 3 else 2

    return Writer(write, read, 1, 2)


WRITERS = [table, title_rows, document, page, plot, figures, generation, release]


def told(error: BaseException) -> str:
    """The paragraph that a command ends with; there must be one."""
    found = find_user_error(error)
    text = str(found) if found else describe_storage_error(error)
    assert text, repr(error)
    return text


def same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, pd.DataFrame):
        return bool(found.reset_index(drop=True).equals(wanted))
    if isinstance(wanted, list):
        return len([name for name in found if name.startswith("title-")]) == len(wanted)
    return bool(found == wanted)


def content(disk: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(disk)): path.read_bytes()
        for path in sorted(disk.rglob("*"))
        if path.is_file() and path.name != "filler"
    }


@pytest.mark.parametrize("make", WRITERS)
@pytest.mark.parametrize("fault", [full, read_only])
def test_a_write_that_fails_is_told_and_changes_nothing(disk, make, fault):
    writer = make(disk)
    writer.write(writer.old)
    before = content(disk)
    with fault(disk):
        with pytest.raises((DatasetError, UserError, OSError)) as caught:
            writer.write(writer.new)
        text = told(caught.value)
        assert str(disk) in text
        assert "full" in text or "ead-only" in text or "No space left" in text
        if fault is read_only:
            # Reading needs no room.
            assert same(writer.read(), writer.old)
    assert {name: content(disk).get(name) for name in before} == before
    assert same(writer.read(), writer.old)
    writer.write(writer.new)
    if make is not title_rows:
        assert same(writer.read(), writer.new)


@pytest.mark.parametrize("fault", [full, read_only])
def test_checkpoints_that_cannot_be_written_cost_a_warning_alone(disk, fault, caplog):
    folder = CheckpointFolder(disk)
    checkpoint = folder.open("fit", "abc")
    checkpoint.save("9780000000001", 1)
    with fault(disk):
        checkpoint.save("9780000000002", TEXT)
        made = read_or_make(folder, "global", "abc", "the global model", lambda: NEW)
    assert made.equals(NEW)
    assert caplog.text.count("not saved") == 2
    found = checkpoint.load(["9780000000001", "9780000000002"])
    assert found == {"9780000000001": 1}
    checkpoint.save("9780000000003", 3)
    assert checkpoint.load(["9780000000003"]) == {"9780000000003": 3}
    assert not list(disk.rglob("*.parquet"))


def test_no_run_begins_where_the_lock_cannot_be_written(disk):
    with (
        read_only(disk),
        pytest.raises(UserError, match="cannot be written") as caught,
        run_lock(str(disk), Holder("weekly"), 0),
    ):
        pytest.fail("the run must not begin")
    assert str(disk) in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [full, read_only])
def test_a_run_ends_in_one_paragraph_and_goes_on_once_there_is_room(
    disk, fault, tmp_path, project_path
):
    data = runs.export(disk / "data")
    exports = content(data)
    words = ("--pipeline", "ingest")
    with fault(disk):
        failed = runs.kedro_run(project_path, data, *words, anew=True)
    assert failed.returncode == 1
    assert "Traceback" not in failed.stdout + failed.stderr
    assert "Error: " in failed.stderr
    assert str(disk) in failed.stderr.replace("\n", "")
    assert content(data).items() >= exports.items()
    done = runs.kedro_run(project_path, data, *words, anew=True)
    assert done.returncode == 0, done.stderr
    assert len(pd.read_parquet(data / "03_primary/weekly_sales.parquet"))


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is played by root")
@pytest.mark.parametrize("make", WRITERS)
def test_a_folder_of_somebody_else_is_told(tmp_path_factory, make):
    place = tmp_path_factory.mktemp("theirs")
    # Every folder above is root's too.
    for folder in (place, *place.parents):
        if (folder.stat().st_mode & 0o55) != 0o55:
            folder.chmod(folder.stat().st_mode | 0o55)
    writer = make(place)
    writer.write(writer.old)
    before = content(place)
    for path in place.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    os.seteuid(65534)
    try:
        with pytest.raises((DatasetError, UserError, OSError)) as caught:
            writer.write(writer.old if make is not release else 2)
        assert same(writer.read(), writer.old)
    finally:
        os.seteuid(0)
    assert "ermission" in told(caught.value)
    assert content(place) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is played by root")
def test_a_generation_that_may_not_be_removed_is_told(tmp_path_factory):
    place = tmp_path_factory.mktemp("theirs")
    for folder in (place, *place.parents):
        if (folder.stat().st_mode & 0o55) != 0o55:
            folder.chmod(folder.stat().st_mode | 0o55)
    dataset = GenerationDataset(filepath=str(place / "models"))
    for frame in (OLD, NEW):
        dataset.save(Part(frame, f"a{len(frame)}", Shard()))
    before = content(place)
    (old,) = GenerationDataset(filepath=str(place / "models")).disused(
        dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    )
    os.seteuid(65534)
    try:
        with pytest.raises(UserError, match="give the right to remove files there"):
            dataset.remove(old)
    finally:
        os.seteuid(0)
    assert content(place) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is played by root")
def test_releases_that_may_not_be_read_are_not_taken_for_none(tmp_path_factory):
    place = tmp_path_factory.mktemp("theirs")
    release(place).write(1)
    store = ReleaseStore(str(place / "releases"))
    kept, outbox = KeptReleases(store.root), Outbox(str(place / "alerts"))
    of_releases = (store.champion, store.releases, store.promotions, store.challenge)
    os.seteuid(65534)
    try:
        for ask in (*of_releases, kept.records, outbox.pending):
            with pytest.raises(PermissionError):
                ask()
    finally:
        os.seteuid(0)
