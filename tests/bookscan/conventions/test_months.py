import pytest
from babel.dates import get_month_names

from book_forecast.bookscan.conventions.months import LANGUAGES, month_number


@pytest.mark.parametrize(
    ("name", "number"),
    [
        *(("January", 1), ("JAN", 1), ("sept", 9), ("Sep.", 9), ("decem", 12), ("Dec", 12)),
        *(("März", 3), ("Marz", 3), ("Okt", 10), ("Dezember", 12)),
        *(("août", 8), ("Aout", 8), ("févr.", 2), ("enero", 1), ("dic", 12), ("maart", 3)),
        *(("maggio", 5), ("октября", 10), ("Październik", 10), ("elokuuta", 8)),
    ],
)
def test_a_month_is_known_in_the_languages_of_the_trade(name, number):
    assert month_number(name) == number


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_full_names_of_every_language_are_its_own_months(language):
    for context in ("format", "stand-alone"):
        names = get_month_names("wide", context, language)
        assert {number: month_number(name) for number, name in names.items()} == {
            number: number for number in range(1, 13)
        }


@pytest.mark.parametrize("name", ["", "Ma", "Marble", "Monday", "week", "x"])
def test_what_is_no_month_is_refused(name):
    with pytest.raises(ValueError, match="not a month"):
        month_number(name)
