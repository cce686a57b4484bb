"""What all figures share."""

import itertools

import numpy as np
import pandas as pd
import pytest

from book_forecast.plots.gaps import missing_spans
from book_forecast.plots.style import (
    literal,
    model_colour,
    model_label,
    names_by_isbn,
    shortened,
    translucent,
    week_texts,
)
from tests.plots.frames import make_history

FAMILIES = ["sarima", "seasonal_naive", "naive", "zero"]


def luminance(colour):
    """Relative luminance of WCAG."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_models_have_colours_that_differ_and_can_be_seen_on_white():
    colours = [model_colour(family) for family in FAMILIES]
    assert len(set(colours)) == len(FAMILIES)
    for colour in colours:
        assert 1.05 / (luminance(colour) + 0.05) > 2
    for one, other in itertools.combinations(colours, 2):
        assert one != other


def test_a_family_that_comes_later_has_a_colour_of_its_own():
    assert model_colour("theta") == model_colour("theta")
    assert model_colour("theta") not in [model_colour(family) for family in FAMILIES]


def test_models_are_written_as_people_write_them():
    assert [model_label(m) for m in FAMILIES] == ["SARIMA", "Seasonal naive", "Naive", "Zero"]


def test_a_colour_becomes_translucent():
    assert translucent("#0072B2", 0.25) == "rgba(0, 114, 178, 0.25)"


def test_a_title_without_a_name_is_called_by_its_isbn():
    titles = pd.DataFrame({"isbn": ["1", "2", "3"], "title": ["A book", None, " "]})
    assert names_by_isbn(titles) == {"1": "A book (1)", "2": "2", "3": "3"}


@pytest.mark.parametrize(("text", "short"), [("a book", "a book"), ("a long book", "a lon…")])
def test_long_texts_are_shortened(text, short):
    assert shortened(text, 6) == short


def test_markup_is_shown_and_not_read():
    assert literal("<i>R&D</i>") == "&lt;i>R&amp;D&lt;/i>"


def test_weeks_are_dates_without_a_time():
    assert week_texts(make_history(weeks=2)["week"]) == ["2020-01-04", "2020-01-11"]


@pytest.mark.parametrize(
    ("missing", "spans"),
    [([], []), ([0, 1], [(0, 1)]), ([3, 5, 6], [(3, 3), (5, 6)]), ([9], [(9, 9)])],
)
def test_missing_weeks_come_in_runs(missing, spans):
    history = make_history(weeks=10)
    history.loc[missing, "volume"] = np.nan
    weeks = history["week"]
    assert missing_spans(history) == [(weeks[first], weeks[last]) for first, last in spans]
