"""Colours, labels and missing weeks in figures."""

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

FAMILIES = [
    *("ensemble", "sarima", "regression", "ets", "theta", "mstl", "intermittent", "boosting"),
    *("seasonal_naive", "naive", "zero"),
]
# Machado, Oliveira and Fernandes (2009): how linear colours look without red or green cones.
SIGHTS = {
    "all colours": np.eye(3),
    "no red": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no green": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
# Ottosson's Oklab (2020), in which distances are as the eye sees them.
CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(colour):
    """Red, green and blue as light."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels])


def luminance(colour):
    """Relative luminance of WCAG."""
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def perceived(colour, sight):
    return OKLAB @ np.cbrt(CONES @ np.clip(SIGHTS[sight] @ linear(colour), 0, 1))


def test_models_have_colours_that_differ_and_can_be_seen_on_white():
    colours = [model_colour(family) for family in FAMILIES]
    assert len(set(colours)) == len(FAMILIES)
    for colour in colours:
        assert 1.05 / (luminance(colour) + 0.05) > 2
    for one, other in itertools.combinations(colours, 2):
        assert one != other


@pytest.mark.parametrize("sight", SIGHTS)
def test_model_colours_differ_with_and_without_red_or_green_cones(sight):
    colours = [perceived(model_colour(family), sight) for family in FAMILIES]
    for one, other in itertools.combinations(colours, 2):
        assert np.linalg.norm(one - other) > 0.07


def test_a_family_that_comes_later_has_a_colour_of_its_own():
    assert model_colour("prophet") == model_colour("prophet")
    assert model_colour("prophet") not in [model_colour(family) for family in FAMILIES]


def test_models_are_written_as_people_write_them():
    models = ["sarima", "ets", "mstl", "theta", "seasonal_naive", "ensemble"]
    labels = ["SARIMA", "ETS", "MSTL", "Theta", "Seasonal naive", "Ensemble"]
    assert [model_label(model) for model in models] == labels


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
