import pytest

from book_forecast.bookscan.columns import (
    LABELS,
    LIST_LABELS,
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


@pytest.mark.parametrize(
    "spelling",
    [str, str.upper, lambda label: label.replace(" ", "_").lower(), lambda label: f" {label} "],
)
def test_a_list_of_titles_is_known_by_its_columns(spelling):
    header = find_header([["ISBN list"], [], [spelling(label) for label in LIST_LABELS.values()]])
    assert (header.row, header.positions) == (2, {name: at for at, name in enumerate(LIST_LABELS)})


@pytest.mark.parametrize(
    "headings",
    [
        ["ISBN", "Publication Date", "Series"],
        ["ISBN", "Title", "Author"],
        ["", "No", "ISBN", "Title", "Author"],
        ["EAN", "Titel", "Preis", "Erscheinungsdatum"],
        ["isbn13", "Full Title", "Publishers", "Pubdate (UK)", "Country Of Pub."],
    ],
)
def test_a_list_needs_a_publication_date_or_known_columns_alone(headings):
    assert "isbn" in find_header([headings]).positions


@pytest.mark.parametrize(
    "headings",
    [
        ["ISBN", "Title"],
        ["ISBN", "Title", "Author", "Sold"],
        ["ISBN", "Title", "Publication Date", "Week Ending"],
        ["ISBN", "Title", "Publication Date", "Volume"],
        ["ISBN", "Title", "Publication Date", "ASP", "Sold"],
        ["Title", "Publication Date"],
    ],
)
def test_an_export_without_one_of_its_columns_is_no_list(headings):
    with pytest.raises(MissingColumnsError):
        find_header([headings])


def test_the_columns_of_an_export_are_never_those_of_a_list():
    header = find_header([["ISBN", "Title", "Publication Date", "Volume", "Interval", "Price"]])
    assert set(header.positions) == {"isbn", "title", "volume", "interval"}
    assert header.passed_over == ("Publication Date", "Price")


def test_a_user_names_columns_of_a_list_and_other_headings_stay_known():
    named = {"publication_date": "Out on", "isbn": "Article", "volume": "Sold"}
    header = find_header([["ISBN", "Out on", "Published"]], named)
    assert header.positions == {"isbn": 0, "publication_date": 1}


def test_a_unit_in_brackets_is_no_part_of_a_heading():
    header = find_header([["ISBN", "Volume (Units)", "Value (£)", "Week Ending (Sat)"]])
    assert set(header.positions) == {"isbn", "volume", "value", "end_date"}


def test_another_period_in_brackets_is_another_column():
    header = find_header([["ISBN", "Volume (LW)", "Volume", "End Date"]])
    assert header.positions["volume"] == 2


@pytest.mark.parametrize(
    ("isbn", "end_date", "volume"),
    [
        ("Code EAN", "Semaine du", "Quantité vendue"),
        ("ISBN", "Woche von", "Absatzmenge"),
        ("EAN", "Verkaufsdatum", "Verkaufsmenge"),
        ("ISBN", "Fecha de venta", "Ejemplares vendidos"),
    ],
)
def test_headings_of_other_languages_are_known(isbn, end_date, volume):
    header = find_header([[isbn, end_date, volume]])
    assert header.positions == {"isbn": 0, "end_date": 1, "volume": 2}


def test_net_copies_are_preferred_to_gross_ones():
    header = find_header([["ISBN", "End Date", "Units", "Returns", "Net Units"]])
    assert header.positions["volume"] == 4
    assert header.passed_over == ("Units", "Returns")
