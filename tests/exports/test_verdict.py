"""The verdict on mutated exports finds every wrong history, and no word excuses another fault."""

from __future__ import annotations

import pandas as pd
import pytest

from book_forecast.storage.errors import UserError
from tests.exports.drafts import Export
from tests.exports.ingest import Outcome
from tests.exports.mutator import mutate
from tests.exports.verdict import REFUSED, RIGHT, TOLD, judge

FILE = "sales-2024-01.csv"


def right_outcome(export: Export) -> Outcome:
    """The true history as ingest would return it."""
    sales = export.draft.truth.sales
    weekly = pd.DataFrame(
        {
            "isbn": [sale.title.isbn for sale in sales],
            "week": pd.to_datetime([sale.week for sale in sales]),
            "volume": [float(sale.volume) for sale in sales],
            "value": [float(sale.value) for sale in sales],
            "asp": [float(sale.asp) for sale in sales],
            "rrp": [float(sale.title.rrp or "nan") for sale in sales],
        }
    )
    titles = [(title.isbn, title.title) for title in export.draft.truth.titles]
    return Outcome(
        weekly=weekly,
        titles=pd.DataFrame(titles, columns=["isbn", "title"]),
        rejected=pd.DataFrame(columns=["file", "sheet", "row", "column", "value", "reason"]),
    )


@pytest.fixture
def plain() -> Export:
    """An export without a mutation that has titles and all prices."""
    return next(
        export
        for export in (mutate(seed, {}) for seed in range(100))
        if export.titles_checked and len(export.prices) == 3
    )


@pytest.fixture
def doubled() -> tuple[Export, Outcome]:
    """An export with copies of rows, and its history with the copies added up."""
    export = mutate(1, {"rows": "some twice"})
    outcome = right_outcome(export)
    [excuse] = export.draft.excuses
    keys = zip(outcome.weekly["isbn"], outcome.weekly["week"].dt.date, strict=True)
    copied = [key in (excuse.keys or ()) for key in keys]
    outcome.weekly.loc[copied, ["volume", "value"]] *= 2
    return export, outcome


def test_the_true_history_is_right(plain):
    assert judge(plain, right_outcome(plain)).kind == RIGHT


@pytest.mark.parametrize(
    ("column", "value", "kinds"),
    [
        ("volume", 1.5, {"wrong volume"}),
        ("isbn", "9780000000002", {"a title-week is lost", "a title-week that is not there"}),
        ("value", float("nan"), {"value lost"}),
        ("asp", 1234.5, {"wrong asp"}),
    ],
)
def test_one_wrong_cell_is_a_fault(plain, column, value, kinds):
    outcome = right_outcome(plain)
    outcome.weekly.loc[3, column] = value
    assert judge(plain, outcome).kind in kinds


def test_a_week_that_has_moved_is_a_fault(plain):
    outcome = right_outcome(plain)
    outcome.weekly["week"] += pd.Timedelta(days=7)
    assert judge(plain, outcome).is_fault


def test_a_broken_title_is_a_fault(plain):
    outcome = right_outcome(plain)
    outcome.titles.loc[0, "title"] = "Ã©"
    assert judge(plain, outcome).kind == "wrong title"


def test_only_a_warning_about_copies_that_names_the_file_excuses_copies(doubled):
    export, outcome = doubled
    for warning in (
        "",
        f"{FILE}: its dates are in American order",
        "44 rows are copies of others and count twice",
    ):
        outcome.warnings = [warning]
        assert judge(export, outcome).is_fault, warning
    outcome.warnings = [f"{FILE}: 44 rows are copies of others and count twice"]
    assert judge(export, outcome).kind == TOLD


def test_a_warning_about_copies_does_not_excuse_other_rows(doubled):
    export, outcome = doubled
    outcome.warnings = [f"{FILE}: 44 rows are copies of others and count twice"]
    outcome.weekly["volume"] += 1
    assert judge(export, outcome).is_fault


def test_a_refusal_has_to_name_the_file_and_the_right_reason(plain):
    lost = mutate(1, {"ISBNs": "scientific, lost digits"})
    reason = "ISBN: scientific notation that has lost digits"
    assert judge(lost, Outcome(error=UserError(f"{FILE}: {reason}"))).kind == REFUSED
    assert judge(lost, Outcome(error=UserError(reason))).is_fault
    assert judge(lost, Outcome(error=UserError(f"{FILE} has no column Volume"))).is_fault
    assert judge(plain, Outcome(error=UserError(f"{FILE}: {reason}"))).is_fault
    assert judge(lost, Outcome(error=ValueError(f"{FILE}: {reason}"))).kind == "crash"
