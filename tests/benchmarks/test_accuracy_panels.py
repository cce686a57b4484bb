"""Which panels the accuracy benchmark finds, and how they become exports."""

import pandas as pd
import pytest

from benchmarks.accuracy.layouts import write_m4, write_tuna
from benchmarks.accuracy.options import parse_given
from benchmarks.accuracy.panels import find_panels
from benchmarks.accuracy.published import windows
from book_forecast.bookscan.isbn import is_isbn
from book_forecast.storage.errors import UserError


def make_panel(folder, *, regressors=False, options=None):
    sales = folder / "01_raw/sales/some.csv"
    sales.parent.mkdir(parents=True)
    sales.write_text("ISBN,End Date,Volume\n9780306406157,2024-01-06,3\n")
    if regressors:
        table = folder / "extra/regressors/deals.csv"
        table.parent.mkdir(parents=True)
        table.write_text("isbn,week,name,value\nall,2024-01-06,deal,1\n")
    if options:
        (folder / "panel.yml").write_text(options)


def found(data, given=(), **other):
    return {p.name: p for p in find_panels(data, parse_given(given), seeds=(), **other)}


def test_every_folder_with_an_export_is_a_panel(tmp_path):
    make_panel(tmp_path / "real/bakery")
    make_panel(tmp_path / "pharmacy")
    (tmp_path / "notes").mkdir()
    assert set(found(tmp_path)) == {"bakery", "pharmacy"}


def test_panels_of_one_name_are_told_apart_by_their_folders(tmp_path):
    make_panel(tmp_path / "a/shop")
    make_panel(tmp_path / "b/shop")
    assert set(found(tmp_path)) == {"a/shop", "b/shop"}


def test_regressors_beside_a_panel_go_into_its_data_root_and_count_as_known(tmp_path):
    make_panel(tmp_path / "in/deals", regressors=True)
    panel = found(tmp_path / "in")["deals"]
    panel.write(tmp_path / "out", False)
    assert (tmp_path / "out/01_raw/sales/some.csv").exists()
    assert (tmp_path / "out/01_raw/regressors/deals.csv").exists()
    assert panel.options.future == "known"
    assert "known ahead" in panel.note


def test_without_regressors_nothing_is_assumed_to_be_known(tmp_path):
    make_panel(tmp_path / "plain")
    panel = found(tmp_path)["plain"]
    assert panel.options.future == "last"
    assert not panel.note


def test_the_command_line_wins_over_the_file_and_the_file_over_the_common_horizon(tmp_path):
    make_panel(tmp_path / "one", options="horizon: 8\norigins: 3\nfutures: {deal: known}\n")
    make_panel(tmp_path / "two")
    panels = found(tmp_path, ["one:origins=2", "one:promotions_known=true"], horizon=5)
    one, two = panels["one"].options, panels["two"].options
    assert (one.horizon, one.origins, one.futures) == (8, 2, {"deal": "known"})
    assert one.promotions_known
    assert two.horizon == 5
    flags = "--panel one:origins=2 --panel one:promotions_known=true"
    assert panels["one"].note == f"Run with `{flags}`."
    assert not panels["two"].note


def test_a_panel_with_the_name_of_a_gift_eval_set_gets_its_published_figures(tmp_path):
    make_panel(tmp_path / "hierarchical_sales")
    panel = found(tmp_path)["hierarchical_sales"]
    assert panel.options.gift_eval == "hierarchical_sales/W"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("shop:horizon=0", "horizon of the panel shop"),
        (
            "shop:horizn=8",
            r"horizn of the panel shop: there is no such option: did you mean horizon\? ",
        ),
        (
            "shop:zzz=8",
            "zzz of the panel shop: there is no such option: known are horizon, origins",
        ),
        ("shop:gift_eval=m5", "m4_weekly/W"),
        ("other:horizon=8", "no such panel; there are shop"),
        ("shop:horizon", "name:key=value"),
        ("shop", "name:key=value"),
        ("shop:futures={a: [", "not YAML"),
    ],
)
def test_a_wrong_option_is_named(tmp_path, given, message):
    make_panel(tmp_path / "shop")
    with pytest.raises(UserError, match=message):
        found(tmp_path, [given])


def test_a_panel_file_with_an_unknown_option_is_refused(tmp_path):
    make_panel(tmp_path / "shop", options="horizons: 3\n")
    with pytest.raises(UserError, match=r"Option horizons of the panel shop.*panel\.yml"):
        found(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        found(tmp_path / "nowhere")


def test_m4_series_become_titles_that_end_in_one_week(tmp_path):
    folder = tmp_path / "m4_weekly"
    folder.mkdir()
    train = pd.DataFrame(
        {"series_id": ["W1", "W1", "W1", "W3"], "t": [1, 2, 3, 1], "value": [1.5, 2.5, 3.5, 9.0]}
    )
    test = pd.DataFrame(
        {"series_id": ["W1", "W1", "W3", "W3"], "t": [1, 2, 1, 2], "value": [4.5, 5.5, 8.0, 7.0]}
    )
    train.to_csv(folder / "train.csv.gz", index=False)
    test.to_csv(folder / "test.csv.gz", index=False)
    write_m4(folder, tmp_path / "root")
    sales = pd.read_csv(tmp_path / "root/01_raw/sales/panel.csv", parse_dates=["End Date"])
    first = sales[sales["Title"] == "W1"]
    assert list(first["Volume"]) == [1.5, 2.5, 3.5, 4.5, 5.5]
    assert set(first["End Date"].diff().dropna().dt.days) == {7}
    assert len(set(sales.groupby("Title")["End Date"].max())) == 1
    assert sales["ISBN"].nunique() == 2
    assert all(is_isbn(isbn) for isbn in sales["ISBN"])


def test_tuna_keeps_its_missing_weeks_and_has_its_prices_beside_it(tmp_path):
    columns: dict[str, list[float]] = {"WEEK": [1, 2, 5]}
    for product in range(1, 8):
        columns |= {
            f"MOVE{product}": [10.0 * product, 20.0, 30.0],
            f"LPRICE{product}": [-0.1, -0.2, -0.3],
            f"NSALE{product}": [0.0, 1.0, 0.0],
        }
    file = tmp_path / "tuna.csv"
    pd.DataFrame(columns).to_csv(file, index=False)
    write_tuna(file, tmp_path / "root")
    raw = tmp_path / "root/01_raw"
    sales = pd.read_csv(raw / "sales/panel.csv", parse_dates=["End Date"])
    one = sales[sales["Title"] == "Tuna 3"]
    assert list(one["Volume"]) == [30.0, 20.0, 30.0]
    assert list(one["End Date"].diff().dropna().dt.days) == [7, 21]
    regressors = pd.read_csv(raw / "regressors/tuna.csv")
    assert set(regressors["name"]) == {"shelf_price", "display"}
    assert len(regressors) == 7 * 2 * 3


@pytest.mark.parametrize(
    ("dataset", "shortest", "horizon", "cutoffs"),
    [
        ("m4_weekly/W", 93, 13, 1),
        ("hierarchical_sales/W", 260, 8, 4),
        ("hierarchical_sales/W", 40, 8, 1),
        ("hierarchical_sales/W", 5000, 8, 20),
    ],
)
def test_test_cutoffs_are_gift_evals(dataset, shortest, horizon, cutoffs):
    assert windows(dataset, shortest, horizon) == cutoffs
