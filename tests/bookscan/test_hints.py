import pytest
from pydantic import ValidationError

from book_forecast.bookscan.hints import ExportHints, hints_for


def test_hints_hold_for_the_files_that_their_pattern_fits():
    hints = {"us/*.csv": {"date_order": "month_first"}, "*.xlsx": {"sheets": ["Sales"]}}
    assert hints_for("us/2026-01.csv", hints).date_order == "month_first"
    assert hints_for("uk/2026-01.csv", hints) == ExportHints()
    assert hints_for("uk/deep/2026.xlsx", hints).sheets == ["Sales"]


def test_case_makes_no_difference_in_patterns():
    assert hints_for("US/Sales.CSV", {"us/*.csv": {"week_ends": "sunday"}}).week_ends == "sunday"


def test_a_pattern_fits_the_name_alone_in_any_folder():
    assert hints_for("a/b/sales.csv", {"sales.csv": {"copies": "add"}}).copies == "add"


def test_of_several_patterns_that_fit_the_later_ones_win_field_by_field():
    hints = {
        "*": {"date_order": "month_first", "decimal_mark": "comma"},
        "uk*": {"date_order": "day_first"},
    }
    found = hints_for("uk.csv", hints)
    assert (found.date_order, found.decimal_mark) == ("day_first", "comma")


def test_without_hints_a_file_speaks_for_itself():
    assert hints_for("sales.csv", {}) == ExportHints()


@pytest.mark.parametrize("name", ["isbn", "ISBN", "EAN", "isbn-13"])
def test_columns_are_named_as_users_know_them(name):
    assert ExportHints(columns={name: "Artikel"}).columns == {"isbn": "Artikel"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"columns": {"colour": "Farbe"}}, "there is no column colour; known are isbn, title"),
        ({"encoding": "klingon"}, "no such encoding"),
        ({"date_order": "week_first"}, "day_first"),
        ({"decimal_mark": ";"}, "point"),
        ({"week_ends": "someday"}, "sunday"),
        ({"interval": "fiscal"}, "nth_saturday"),
        ({"dates": "months"}, "week_beginning"),
        ({"copies": "maybe"}, "drop"),
        ({"delimiter": "#"}, "delimiter"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_no_hint_can_be_is_refused_with_what_it_can_be(fields, message):
    with pytest.raises(ValidationError, match=message):
        ExportHints.model_validate(fields)


@pytest.mark.parametrize(("sign", "name"), [(",", "comma"), (".", "point")])
def test_a_decimal_mark_may_be_the_sign_itself(sign, name):
    assert ExportHints(decimal_mark=sign).decimal_mark == name
