"""Forecasts, their errors and stock in plain words; no names of models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from book_forecast.payload.arrays import FloatArray

LABELS = {
    "trend": "Trend",
    "season": "Time of year",
    "holidays": "Holidays",
    "promotion": "Promotions",
    "other": "Other causes",
}
_SMALL = 0.03
"""A factor nearer to one is not worth a sentence."""


def day(date: dt.date) -> str:
    """Return a day as people write it."""
    return f"{date.day} {date:%B %Y}"


def copies(number: float) -> str:
    """Return a number of copies; few have a decimal."""
    return f"{number:.1f}" if 0.05 < number < 9.95 else f"{number:,.0f}"


def explained(level: float, parts: Mapping[str, FloatArray], weeks: Sequence[dt.date]) -> list[str]:
    """Return three sentences on what a forecast consists of.

    Args:
        level: Copies of a usual week, plus one.
        parts: Factors of one plus the copies by part, shape (weeks,).
        weeks: Saturdays ahead.
    """
    return [
        _level_sentence(level, parts.get("trend"), len(weeks)),
        _season_sentence(parts.get("season"), parts.get("holidays"), weeks),
        _promotion_sentence(parts.get("promotion"), weeks),
    ]


def _level_sentence(level: float, trend: FloatArray | None, n_weeks: int) -> str:
    start = f"A usual week sells about {copies(max(level - 1.0, 0.0))} copies"
    if trend is None or not len(trend) or abs(trend[-1] - 1.0) < _SMALL:
        return f"{start}, and that hardly changes over these {n_weeks} weeks."
    change = 100.0 * (float(trend[-1]) - 1.0)
    way = "rises" if change > 0.0 else "falls"
    return f"{start}, and that {way} by {abs(change):.0f} % over these {n_weeks} weeks."


def _season_sentence(
    season: FloatArray | None, holidays: FloatArray | None, weeks: Sequence[dt.date]
) -> str:
    if season is None and holidays is None:
        return "No time of year sells more than another."
    ones = np.ones(len(weeks))
    both = (ones if season is None else season) * (ones if holidays is None else holidays)
    high, low = int(np.argmax(both)), int(np.argmin(both))
    if both[high] < 1.0 + _SMALL and both[low] > 1.0 - _SMALL:
        return "The time of year makes hardly any difference in these weeks."
    found = []
    if both[high] >= 1.0 + _SMALL:
        why = "The time of year raises"
        if holidays is not None and holidays[high] >= 1.0 + _SMALL:
            why = "The time of year and holidays raise"
        found.append(
            f"{why} sales most in the week to {day(weeks[high])}, to "
            f"{both[high]:.1f} times a usual week"
        )
    if both[low] <= 1.0 - _SMALL:
        where = f"in the week to {day(weeks[low])}, to {100.0 * both[low]:.0f} % of a usual week"
        found.append(
            f"while they are lowest {where}" if found else f"The time of year lowers sales {where}"
        )
    return " ".join(found) + "."


def _promotion_sentence(promotion: FloatArray | None, weeks: Sequence[dt.date]) -> str:
    if promotion is None:
        return "No promotion is in this forecast: none is planned, or none ever made a difference."
    raised = np.flatnonzero(np.abs(promotion - 1.0) >= _SMALL)
    if not len(raised):
        return "No promotion that is planned changes this forecast."
    most = int(np.argmax(np.abs(promotion - 1.0)))
    n = f"{len(raised)} week" + ("s" if len(raised) != 1 else "")
    return (
        f"Planned promotions change {n}, most that to {day(weeks[most])}: to "
        f"{promotion[most]:.1f} times what sells without one."
    )


def compared(
    mean: FloatArray, lower: FloatArray, upper: FloatArray, sold: FloatArray, level: float | None
) -> str:
    """Return one sentence on the last forecast and what happened.

    Args:
        mean: Of the forecast, shape (weeks,).
        lower: Bounds of its interval; empty without one.
        upper: The same.
        sold: Copies, NaN where not reported.
        level: Of the interval, in percent.
    """
    known = np.isfinite(sold)
    if not known.any():
        return "None of the weeks of the last forecast has been reported."
    expected, total = float(mean[known].sum()), float(sold[known].sum())
    text = f"It expected {copies(expected)} copies, and {copies(total)} were sold"
    if total > 0.0:
        error = 100.0 * (expected / total - 1.0)
        far = f"{abs(error):.0f} % too {'many' if error > 0.0 else 'few'}"
        text += f": {far}" if abs(error) >= 0.5 else ": just right in total"
    if len(lower) and level is not None:
        inside = int(((lower <= sold) & (sold <= upper))[known].sum())
        text += (
            f"; {inside} of {int(known.sum())} weeks were inside the range that holds "
            f"{level:g} % of weeks"
        )
    return text + "."


def stock_sentences(advice: Mapping[str, Any]) -> list[str]:
    """Return sentences on the stock of a title."""
    on_hand, on_order, lead = advice["on_hand"], advice["on_order"], advice["lead_weeks"]
    coming = f"and {_are(on_order)} on order" if on_order else "and none are on order"
    found = [f"{_are(on_hand) if on_hand else 'No copies are'} in stock, {coming}."]
    chance = f"{100.0 * advice['chance_to_run_out']:.0f} %"
    is_empty = not on_hand and not on_order
    event = "that a sale is lost" if is_empty else "to run out"
    if lead:
        found.append(
            f"The chance {event} before an order of today arrives, in {_weeks(lead)}, is {chance}."
        )
    else:
        found.append("An order of today arrives at once.")
    cover, week = advice["cover_weeks"], advice["run_out_week"]
    if is_empty and week is None:
        found.append(f"No sale is likely in {_weeks(cover)}.")
    elif is_empty:
        found.append(f"A sale is likely to be lost by the week to {day(week)}.")
    elif week is None:
        found.append(f"They are likely to last for more than {_weeks(cover)}.")
    else:
        found.append(
            f"They are likely to last for {cover} full week{'s' if cover != 1 else ''}, and to run "
            f"out in the week to {day(week)}."
        )
    return [*found, str(advice["reason"])]


def _are(number: float) -> str:
    # Stock is counted, so that a decimal is the exception.
    shown = f"{number:,.0f}" if float(number).is_integer() else copies(number)
    return "1 copy is" if number == 1 else f"{shown} copies are"


def _weeks(number: int) -> str:
    return f"{number} week" + ("s" if number != 1 else "")
