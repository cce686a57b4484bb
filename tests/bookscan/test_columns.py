import pytest

from book_forecast.bookscan.columns import (
    LABELS,
    DuplicateColumnError,
    MissingColumnsError,
    find_header,
)


@pytest.mark.parametrize(
    "spelling",
    [
        str,
        str.upper,
        str.lower,
        lambda label: label.replace(" ", ""),
        lambda label: label.replace(" ", "_").lower(),
        lambda label: label.replace(" ", "-"),
        lambda label: f"  {label.replace(' ', '   ')}\n",
        lambda label: f"\ufeff{label}",
    ],
)
def test_columns_are_found_in_any_case_and_spacing(spelling):
    header = [spelling(label) for label in LABELS.values()]
    found = find_header([header])
    assert (found.row, found.positions) == (0, {name: at for at, name in enumerate(LABELS)})


def test_unknown_columns_are_ignored():
    header = find_header([["Rank", "ISBN", "Volume", "", "Interval"]])
    assert header.positions == {"isbn": 1, "volume": 2, "interval": 4}
    assert header.passed_over == ("Rank",)


def test_the_header_may_stand_below_a_heading():
    rows = [["Sales of Volume 1"], [], ["ISBN", "Volume", "End Date"]]
    assert find_header(rows).row == 2


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        (["Volume", "End Date"], ["ISBN"]),
        (["ISBN", "End Date"], ["Volume"]),
        (["ISBN", "Volume"], ["End Date or Interval"]),
        (["a", "b"], ["ISBN", "Volume", "End Date or Interval"]),
    ],
)
def test_what_the_nearest_row_lacks_is_named(header, missing):
    with pytest.raises(MissingColumnsError) as error:
        find_header([["heading"], header, ["9780722532935", "3"]])
    assert error.value.missing == missing


def test_a_doubled_column_is_refused_by_name():
    with pytest.raises(DuplicateColumnError, match="VOLUME"):
        find_header([["ISBN", "Volume", "Interval", "VOLUME"]])
