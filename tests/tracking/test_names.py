"""Names of MLflow runs."""

import pandas as pd
import pytest
from mlflow.entities import Run, RunData, RunInfo, RunTag

from book_forecast.tracking.names import Extent, RunNames, pipelines_label

WEEK = pd.Timestamp("2024-06-29")


def extent(titles: int = 3, last: pd.Timestamp = WEEK) -> Extent:
    isbns = [str(i) for i in range(titles)]
    found = Extent.of(pd.DataFrame({"isbn": isbns, "week": [last] * titles}))
    assert found is not None
    return found


def open_run(name: str, **tags: str) -> Run:
    info = RunInfo("1", "1", "me", "RUNNING", 0, None, "active", run_name=name)
    return Run(info, RunData(tags=[RunTag(*tag) for tag in tags.items()]))


def name_after(names: RunNames | None, *found: Extent) -> str:
    assert names is not None
    for one in found:
        names.takes(one)
    return names.name


@pytest.mark.parametrize(
    ("pipelines", "label"),
    [
        (["__default__"], "all pipelines"),
        (["tune", "train"], "tune + train"),
        (["weekly"], "weekly"),
    ],
)
def test_a_run_is_named_after_its_pipelines(pipelines, label):
    assert pipelines_label(pipelines) == label
    assert name_after(RunNames.of(label, None)) == label


def test_a_runs_name_has_the_number_of_its_titles_and_their_last_week():
    assert name_after(RunNames("weekly"), extent(1500)) == "weekly, 1,500 titles to 2024-06-29"
    assert name_after(RunNames("tune"), extent(1)) == "tune, 1 title to 2024-06-29"


def test_the_titles_in_use_count_and_not_all_of_the_export():
    assert name_after(RunNames("all"), extent(26), extent(3)) == "all, 3 titles to 2024-06-29"


def test_the_training_weeks_do_not_move_the_last_week_back():
    earlier = extent(3, WEEK - pd.Timedelta(weeks=32))
    assert name_after(RunNames("all"), extent(), earlier) == "all, 3 titles to 2024-06-29"


def test_tables_without_titles_or_rows_name_nothing():
    assert Extent.of(pd.DataFrame({"week": [WEEK]})) is None
    assert Extent.of(pd.DataFrame({"isbn": [], "week": []})) is None


def test_a_step_that_joins_a_run_goes_on_from_the_runs_name():
    joined = open_run("all pipelines, 3 titles to 2024-06-29", **extent().tags())
    names = RunNames.of("all pipelines", joined)
    earlier = extent(3, WEEK - pd.Timedelta(weeks=32))
    assert name_after(names, earlier) == "all pipelines, 3 titles to 2024-06-29"


def test_a_run_that_another_process_has_named_keeps_its_name():
    assert RunNames.of("all pipelines", open_run("default-2024_07_01-05_00_00")) is None
