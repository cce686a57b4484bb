"""The accuracy benchmark on a small panel, from an export to the page."""

import os
import sys

import numpy as np
import pandas as pd
import pytest

from tests import processes

ISBNS = ("9780306406157", "9780140449136", "9780262033848")


@pytest.fixture
def data(tmp_path):
    sales = tmp_path / "data/shop/01_raw/sales/shop.csv"
    sales.parent.mkdir(parents=True)
    rng = np.random.default_rng(0)
    weeks = pd.date_range("2022-01-01", periods=120, freq="7D")
    rows = [
        pd.DataFrame({"ISBN": isbn, "End Date": weeks, "Volume": 50 + rng.poisson(20, len(weeks))})
        for isbn in ISBNS
    ]
    pd.concat(rows).to_csv(sales, index=False, date_format="%Y-%m-%d")
    (tmp_path / "data/shop/panel.yml").write_text("origins: 2\nhorizon: 4\n")
    return tmp_path / "data"


def run(data, work, project):
    words = ["-m", "benchmarks.accuracy", "--only", "shop"]
    words += ["--data", str(data), "--work", str(work), "--output", str(work / "page.md")]
    for parameter in ("models.families=theta,seasonal_naive,naive", "execution.n_jobs=1"):
        words += ["--param", parameter]
    done = processes.project.run(words, project, os.environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_panel_becomes_a_page_and_a_finished_run_is_not_repeated(data, tmp_path, project_path):
    work = tmp_path / "work"
    work.mkdir()
    log = run(data, work, project_path)
    assert "[1/1] shop: WAPE" in log
    page = (work / "page.md").read_text()
    assert "## shop: 3 series, 4 weeks ahead" in page
    assert "2 test cutoffs" in page
    for model in ("book_forecast", "theta", "simple mean", "statsforecast AutoARIMA"):
        assert f"| {model} | 3 |" in page
    assert "## Where the ensemble loses" in page
    roots = [work / "whole/shop" / str(number) for number in range(2)]
    ends = [
        pd.read_parquet(root / "05_model_input/model_input.parquet")["week"].max() for root in roots
    ]
    assert (ends[0] - ends[1]).days == 4 * 7
    written = [(root / "08_reporting/scores.parquet").stat().st_mtime_ns for root in roots]
    run(data, work, project_path)
    assert written == [(root / "08_reporting/scores.parquet").stat().st_mtime_ns for root in roots]
    assert (work / "page.md").read_text() == page


def test_a_part_that_is_not_there_is_named(data, monkeypatch):
    from benchmarks.accuracy.__main__ import main

    monkeypatch.setattr(sys, "argv", ["accuracy", "--data", str(data), "--only", "shoop"])
    message = "--only shoop: there is no such panel or part: shop, seed-42"
    with pytest.raises(SystemExit, match=message):
        main()
