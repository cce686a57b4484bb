"""`kedro forecast export`, as it is typed."""

import csv
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from book_forecast.cli.forecasts import forecast as commands
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.sums import SumReader
from book_forecast.releases.assembly import new_release
from book_forecast.releases.store import ReleaseStore
from tests.pipelines.decide.frames import stock_advice
from tests.releases import payloads

Typed = Callable[..., str]
NAMES = ["=1+1", "<b>&\"'", "كتاب"]
ISBNS = [payloads.isbn(n) for n in range(3)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def release(root):
    """The release of the last forecasts; its titles look like formulas and mark-up."""
    tables = payloads.tables(titles=3)
    at = tables["titles"].schema.get_field_index("title")
    tables["titles"] = tables["titles"].set_column(at, "title", pa.array(NAMES))
    payload = new_release(tables, {"data": "0", "fingerprint": "0" * 8})
    store = ReleaseStore(str(root / "06_models/releases"))
    store.save(payload)
    store.point("current", payload.release)
    return payload


@pytest.fixture
def typed(project_path, root, monkeypatch) -> Typed:
    """What the command says; one that fails says why."""
    monkeypatch.chdir(project_path)
    bootstrap_project(project_path)

    def call(*arguments: str) -> str:
        done = CliRunner().invoke(commands, ["export", *arguments, "--data-root", str(root)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    return call


def rows_of(book, name):
    return list(book[name].iter_rows(values_only=True))


def test_one_command_writes_a_workbook_with_a_sheet_a_view(typed, release, root):
    advice = root / "07_model_output/stock_advice.parquet"
    advice.parent.mkdir(parents=True)
    stock_advice(ISBNS[1]).to_parquet(advice)
    said = typed("--horizon", "13", "--level", "80", "--level", "95")
    path = root / "07_model_output/forecasts.xlsx"
    assert f"Wrote {path}, 13 weeks of 3 titles" in said
    book = openpyxl.load_workbook(path)
    bounds = [f"At {end}, {level} %" for level in (80, 95) for end in ("least", "most")]
    views = ["Forecast", *bounds, "Totals by title", "Totals by class", "Stock", "Errors", "About"]
    assert book.sheetnames == views
    head, *rows = rows_of(book, "Forecast")
    assert head[4] == dt.datetime(2024, 7, 6)
    assert [row[1] for row in rows] == NAMES
    assert book["Forecast"]["B2"].data_type == "s"
    np.testing.assert_allclose([row[4:] for row in rows], release.mean[:, :13], atol=0.051)
    low, high = ForecastReader(release).forecast(ISBNS[2], 13, [95]).bounds[95]
    np.testing.assert_allclose(rows_of(book, "At least, 95 %")[3][4:], low, atol=0.051)
    np.testing.assert_allclose(rows_of(book, "At most, 95 %")[3][4:], high, atol=0.051)
    assert rows_of(book, "Stock")[1][:3] == (ISBNS[1], NAMES[1], "Author 1")
    assert rows_of(book, "Stock")[1][4] == 1300
    assert rows_of(book, "Errors")[1][4] == release.scores["wape"][0].as_py()


def test_totals_have_the_intervals_of_sums(typed, release, root):
    typed("--to", str(root / "new/book.xlsx"))
    book = openpyxl.load_workbook(root / "new/book.xlsx")
    head, *rows = rows_of(book, "Totals by title")
    assert [text for text in head if text.startswith("Next")] == [
        *("Next 4 weeks", "Next 13 weeks", "Next 32 weeks")
    ]
    reader = SumReader(release)
    for place, span in ((4, 4), (7, 13), (10, 32)):
        weeks = reader.next_weeks(span)
        for isbn, row in zip(ISBNS, rows, strict=True):
            found = reader.sum_of([isbn], weeks, [0.1, 0.9])
            expected = [found.mean, *found.quantiles]
            np.testing.assert_allclose(row[place : place + 3], expected, rtol=1e-4, atol=0.06)
        together = reader.sum_of(ISBNS, weeks, [0.1, 0.9])
        over_all = rows_of(book, "Totals by class")[1]
        expected = [together.mean, *together.quantiles]
        np.testing.assert_allclose(over_all[place - 2 : place + 1], expected, atol=0.06)


def test_a_csv_file_has_a_row_a_title_and_week(typed, release, root):
    path = root / "weeks.csv"
    assert "Wrote" in typed("--to", str(path), "--horizon", "3")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["week"] for row in rows[:3]] == ["2024-07-06", "2024-07-13", "2024-07-20"]
    assert [row["title"] for row in rows[::3]] == ["'=1+1", *NAMES[1:]]
    found = [float(row["mean"]) for row in rows]
    np.testing.assert_allclose(found, release.mean[:, :3].ravel(), atol=0.001)
    assert {"lo-80", "hi-80"} <= set(rows[0])


def test_a_title_whose_sales_end_earlier_is_forecast_for_the_same_weeks(typed, root):
    tables = payloads.tables(titles=2)
    last, short = payloads.CUTOFF, payloads.CUTOFF - dt.timedelta(weeks=2)
    titles = tables["titles"].to_pandas().assign(cutoff=[last, short], trained_until=[last, short])
    tables["titles"] = pa.Table.from_pandas(titles, preserve_index=False)
    volumes = tables["histories"]["volumes"].to_pylist()
    volumes[1] = volumes[1][:-2]
    tables["histories"] = pa.table({"volumes": pa.array(volumes, pa.list_(pa.float64()))})
    payload = new_release(tables, {"data": "0", "fingerprint": "0" * 8})
    store = ReleaseStore(str(root / "06_models/releases"))
    store.save(payload)
    store.point("current", payload.release)
    typed("--horizon", "4", "--to", str(root / "a.xlsx"))
    (_, _, row) = rows_of(openpyxl.load_workbook(root / "a.xlsx"), "Forecast")
    np.testing.assert_allclose(row[4:], payload.mean[1, 2:6], atol=0.051)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "a.ods"], "--to a.ods: name a file that ends with .xlsx or .csv."),
        (["--horizon", "0"], "--horizon is 0: it must be 1 to 104 weeks."),
        (["--level", "99.5"], "--level is 99.5: it must be 1 to 99 percent."),
    ],
)
def test_what_cannot_be_written_is_named(typed, release, arguments, message):
    assert f"Error: {message}" in typed(*arguments)


def test_a_folder_in_place_of_the_file_is_named(typed, release, root):
    (root / "a.csv").mkdir()
    assert f"Error: --to {root / 'a.csv'} is a folder" in typed("--to", str(root / "a.csv"))


def test_without_forecasts_the_command_says_what_to_run(typed):
    assert "Error: There are no forecasts to export: run `kedro run`" in typed()


def test_a_failure_leaves_the_former_file(typed, release, root):
    path = root / "07_model_output/forecasts.xlsx"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"former")
    no_number = pd.DataFrame({"isbn": [ISBNS[0]], "on_hand": [[1.0, 2.0]]})
    no_number.to_parquet(root / "07_model_output/stock_advice.parquet")
    with pytest.raises(ValueError, match="Cannot convert"):
        typed()
    assert path.read_bytes() == b"former"
    assert [found.name for found in path.parent.iterdir() if found.name.endswith(".tmp")] == []
