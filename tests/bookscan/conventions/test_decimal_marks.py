import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.bookscan.conventions.decimal_marks import find_number_convention
from book_forecast.bookscan.hints import ExportHints
from tests.bookscan.raw_exports import GOOD, raw_rows, read, reasons, saturdays, volumes


def convention(*rows, **hints):
    return find_number_convention([raw_rows([GOOD | row for row in rows])], ExportHints(**hints))


def weekly(volumes, prices=None):
    """One row a week."""
    days = saturdays(len(volumes))
    rows = [
        {"end_date": f"{day:%d/%m/%Y}", "volume": volume}
        for day, volume in zip(days, volumes, strict=True)
    ]
    if prices is None:
        return rows
    return [row | {"asp": price} for row, price in zip(rows, prices, strict=True)]


def test_prices_with_decimal_commas_make_a_point_in_volumes_a_thousands_separator():
    export = read(*weekly(["1.234", "12", "2.000"], ["7,99", "8,49", "7,99"]))
    assert volumes(export) == [1234, 12, 2000]
    assert export.sales["asp"].tolist() == [7.99, 8.49, 7.99]
    assert export.rejected.empty


def test_prices_with_decimal_points_make_a_comma_in_volumes_a_thousands_separator():
    export = read(*weekly(["1,234", "12", "2,000"], ["7.99", "8.49", "7.99"]))
    assert volumes(export) == [1234, 12, 2000]
    assert export.remarks == ()


def test_a_volume_that_may_be_thousands_or_a_fraction_is_rejected_and_not_guessed():
    export = read(*weekly(["1.234", "12", "15"], ["7.99", "8.49", "7.99"]))
    assert volumes(export) == [12, 15]
    assert reasons(export) == ["unclear: thousands or a fraction? Name decimal_mark"]


def test_a_fraction_of_a_copy_is_read_where_the_volumes_have_other_fractions():
    assert volumes(read(*weekly(["1.234", "12.5", "0.5"]))) == [1.234, 12.5, 0.5]


@pytest.mark.parametrize(
    ("prices", "values"),
    [(["8.000", "7.500"], ["9872.000", "150.000"]), (["8,000", "7,500"], ["9872,000", "150,000"])],
)
def test_value_as_volume_times_price_decides_where_no_cell_does(prices, values):
    rows = weekly(["1234", "20"], prices)
    rows = [row | {"value": value} for row, value in zip(rows, values, strict=True)]
    export = read(*rows)
    assert export.sales["asp"].tolist() == [8, 7.5]
    assert export.sales["value"].tolist() == [9872, 150]


@pytest.mark.parametrize("volume", ["1.234", "1,234"])
def test_without_any_evidence_copies_are_whole_and_the_user_is_told_of_a_comma(volume):
    export = read(*weekly([volume, "12", "7"]))
    assert volumes(export) == [1234, 12, 7]
    assert any("decimal_mark" in remark for remark in export.remarks) == (volume == "1.234")


@pytest.mark.parametrize("volumes_", [["12,000", "7,000"], ["12.000", "7.000"]])
def test_thousands_that_are_fractions_of_zero_perhaps_are_told(volumes_):
    # Copies with three decimals, or a title that sells thousands each week.
    export = read(*weekly(volumes_))
    assert volumes(export) == [12000, 7000]
    assert any("decimal_mark" in remark for remark in export.remarks)


def test_cells_of_the_minority_are_not_used_and_counted():
    export = read(*weekly(["1", "2", "3", "4,5"], ["7.99", "8.49", "7.99", "8,99"]))
    assert volumes(export) == [1, 2, 3]
    assert reasons(export) == ["not a number"]
    assert any(remark.startswith("2 of its numbers") for remark in export.remarks)


def test_indian_groups_are_commas():
    assert convention({"volume": "1,23,456"}).decimal_mark == "point"
    assert volumes(read(*weekly(["1,23,456", "12,345", "1,234"]))) == [123456, 12345, 1234]


@pytest.mark.parametrize("volume", ["1 234", "1\u00a0234", "1\u202f234", "1'234"])
def test_blanks_and_apostrophes_group_in_either_convention(volume):
    for price in ("7.99", "7,99"):
        export = read(*weekly([volume, "12"], [price, price]))
        assert volumes(export) == [1234, 12]
        assert export.sales["asp"].tolist() == [7.99, 7.99]


@pytest.mark.parametrize("price", ["£7.99", "7.99 EUR", "CHF 7.99", "₹7.99", "7,99 €", "EUR 7,99"])
def test_a_currency_hides_no_price(price):
    export = read(*weekly(["3", "4"], [price, price]))
    assert export.sales["asp"].tolist() == [7.99, 7.99]


def test_typed_numbers_follow_no_convention_of_texts():
    export = read(*weekly([1.5, 1234, "1.234"], ["7,99", "8,49", "7,99"]))
    assert volumes(export) == [1.5, 1234, 1234]


@pytest.mark.parametrize(("mark", "volume"), [("point", 1.234), ("comma", 1234)])
def test_what_the_user_says_about_the_decimal_mark_holds(mark, volume):
    export = read(*weekly(["1.234", "12"]), hints=ExportHints(decimal_mark=mark))
    assert volumes(export) == [volume, 12]
    assert export.remarks == ()


def test_a_volume_of_a_thousandth_of_value_by_price_is_rejected():
    rows = [
        {"volume": "1.234", "value": "9859.66", "asp": "7.99"},
        {"volume": "2.5", "value": "19.98", "asp": "7.99", "end_date": "09/03/2019"},
    ]
    export = read(*rows)
    assert volumes(export) == [2.5]
    assert reasons(export) == ["a thousandth of Value / ASP: name decimal_mark"]


def test_a_file_without_numbers_has_a_decimal_point():
    assert convention({"volume": ""}).decimal_mark == "point"


marks = st.sampled_from(
    [(",", "."), (".", ","), (" ", ","), ("\u202f", ","), ("'", "."), ("", ".")]
)


@given(st.lists(st.integers(0, 2_000_000), min_size=1, max_size=20), marks)
def test_volumes_are_read_back_in_the_convention_that_the_prices_show(copies, mark):
    group, decimal = mark
    texts = [f"{number:,}".replace(",", group) for number in copies]
    export = read(*weekly(texts, [f"7{decimal}99"] * len(texts)))
    assert volumes(export) == copies
    assert set(export.sales["asp"]) == {7.99}
