"""Checks of the newest delivery of sales: late, short, jumps of volume or price, titles."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from book_forecast.monitoring.errors import levels_of
from book_forecast.series.history import WEEK

State = Literal["ok", "warning", "broken"]
USUAL_WEEKS = 8
"""Weeks before the newest one that it is held against."""
COMPLETE = 0.9
"""Share of the titles in use whose newest week is known; in an incomplete week it is far lower."""
_OFTEN = 4
# A price of another currency or unit changes far more than a reprint's.
_PRICE_RATIO = 1.5
# Vanished titles beside those that vanish in other weeks.
_VANISHED_TIMES = 3.0


@dataclass(frozen=True)
class DeliveryBounds:
    """Bounds of a usual delivery; `MonitorOptions` has their defaults.

    Attributes:
        late_days: Days since the end of the newest week.
        volume_jump: Copies of the newest week over the usual ones, or the reverse.
        price_jumps: Share of titles with a jump of their price.
        vanished: Share of the titles that report every week.
    """

    late_days: int
    volume_jump: float
    price_jumps: float
    vanished: float


class ImpossibleWeek(NamedTuple):
    """A newest week that no forecast holds for possible.

    Attributes:
        week: Its end.
        copies: Of the titles that were forecast and have a row.
        ratio: Copies over those expected.
        lowest: Sum of the lowest bounds of these titles.
        highest: Sum of their highest bounds.
    """

    week: pd.Timestamp
    copies: float
    ratio: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Check:
    """A check of the newest delivery.

    Attributes:
        name: What was checked.
        state: Whether it is usual, should be looked at, or must not be used.
        value: What was found; NaN where there is nothing to compare with.
        bound: Where the state changes; NaN where nothing bounds it.
        message: One sentence.
    """

    name: str
    state: State
    value: float
    bound: float
    message: str


def check_delivery(
    sales: pd.DataFrame,
    grid: pd.DataFrame,
    expected: pd.DataFrame,
    bounds: DeliveryBounds,
    today: dt.date | None,
) -> list[Check]:
    """Check the newest week of the sales.

    Args:
        sales: isbn, week, volume, asp of the exports: a week without a sale has no row.
        grid: isbn, week, volume of the titles in use; NaN where the week is missing.
        expected: isbn, week, mean, `lo-L` and `hi-L`: forecasts of the newest week, made before it;
            may be empty.
        bounds: Of a usual delivery.
        today: For the age of the sales; None where they are meant to end early.
    """
    newest = sales["week"].max()
    if pd.isna(newest):
        return [Check("sales", "broken", 0.0, np.nan, "There are no sales at all.")]
    usual = sales[sales["week"].between(newest - USUAL_WEEKS * WEEK, newest - WEEK)]
    latest = sales[sales["week"] == newest]
    found = [_late(newest, bounds, today)] if today is not None else []
    return [
        *found,
        _short(newest, latest, grid[grid["week"] == newest]),
        _volume(latest, usual, expected[expected["week"] == newest], bounds),
        _prices(latest, usual, bounds),
        _vanished(newest, sales, bounds),
        _new(latest, sales[sales["week"] < newest]),
    ]


def find_impossible_week(
    sales: pd.DataFrame, expected: pd.DataFrame, volume_jump: float
) -> ImpossibleWeek | None:
    """Return the newest week if its copies are far from the forecast and beyond all its bounds.

    The bounds of all titles are added, as if all were as low, or as high, at once: a few titles
    with wide intervals may sell many times what was expected. Titles without a row do not count: a
    week that lacks many of them is incomplete, and its rows are right.

    Args:
        sales: isbn, week, volume: a week without a sale has no row.
        expected: isbn, week, mean, `lo-L` and `hi-L`: forecasts made before the newest week; None
            of that week where there is none.
        volume_jump: Copies over those expected, or the reverse, from which on they are far.

    Returns:
        None where the week is possible, or where nothing says what is.
    """
    newest = sales["week"].max()
    latest = sales[(sales["week"] == newest) & sales["isbn"].isin(expected["isbn"])]
    rows = expected[(expected["week"] == newest) & expected["isbn"].isin(latest["isbn"])]
    levels = levels_of(rows) if len(rows) else []
    if not levels:
        return None
    latest = latest[latest["isbn"].isin(rows["isbn"])]
    copies, mean = float(latest["volume"].sum()), float(rows["mean"].sum())
    lowest, highest = (
        float(rows[f"{side}-{max(levels)}"].sum(skipna=False)) for side in ("lo", "hi")
    )
    is_known = mean > 0 and np.isfinite(lowest) and np.isfinite(highest)
    if not is_known or lowest <= copies <= highest:
        return None
    ratio = copies / mean
    is_far = not 1 / volume_jump <= ratio <= volume_jump
    return ImpossibleWeek(newest, copies, ratio, lowest, highest) if is_far else None


def _late(newest: pd.Timestamp, bounds: DeliveryBounds, today: dt.date) -> Check:
    days = (today - newest.date()).days
    state: State = "warning" if days > bounds.late_days else "ok"
    message = f"The sales end with the week to {newest:%d %b %Y}, {days:,} days ago"
    if state != "ok":
        message += ": put newer exports into 01_raw/sales and run `kedro run --pipeline weekly`"
    return Check("age", state, days, bounds.late_days, f"{message}.")


def _short(newest: pd.Timestamp, latest: pd.DataFrame, grid: pd.DataFrame) -> Check:
    titles = latest["isbn"].nunique()
    share = float(grid["volume"].notna().mean()) if len(grid) else 1.0
    message = f"The week to {newest:%d %b %Y} has sales of {titles:,} titles"
    if share < COMPLETE:
        message += f"; it is missing for {1 - share:.0%} of the titles in use, as far fewer report."
        return Check("completeness", "broken", share, COMPLETE, message)
    return Check("completeness", "ok", share, COMPLETE, message + ".")


def _volume(
    latest: pd.DataFrame, usual: pd.DataFrame, expected: pd.DataFrame, bounds: DeliveryBounds
) -> Check:
    bound = bounds.volume_jump
    if len(expected):
        both = latest[latest["isbn"].isin(expected["isbn"])]
        before, beside = float(expected["mean"].sum()), "the forecast of it"
    else:
        both = latest
        before = float(usual.groupby("week")["volume"].sum().median()) if len(usual) else np.nan
        beside = "the weeks before"
    copies = float(both["volume"].sum())
    message = f"The newest week has {copies:,.0f} copies"
    if before > 0 and copies > 0:
        ratio = copies / before
        state: State = "broken" if not 1 / bound <= ratio <= bound else "ok"
        message += f", {ratio:.2f} times {beside}."
    else:
        ratio, state = np.nan, "broken" if before > 0 else "ok"
        message += "."
    if find_impossible_week(latest, expected, bound) is not None:
        message += " That is beyond all intervals: forecasts go on from the week before."
    return Check("volume", state, ratio, bound, message)


def _prices(latest: pd.DataFrame, usual: pd.DataFrame, bounds: DeliveryBounds) -> Check:
    before = usual.dropna(subset="asp").groupby("isbn")["asp"].median()
    now = latest.dropna(subset="asp").groupby("isbn")["asp"].median()
    ratio = (now / before[before > 0]).dropna()
    bound = bounds.price_jumps
    if ratio.empty:
        return Check("prices", "ok", np.nan, bound, "No title has prices to compare.")
    jumps = (ratio > _PRICE_RATIO) | (ratio < 1 / _PRICE_RATIO)
    share = float(jumps.mean())
    # Most titles at once: a column or a currency has changed.
    state: State = "ok" if share <= bound else "broken" if share > 0.5 else "warning"
    message = f"The price of {share:.0%} of the titles differs by half or more from that before."
    return Check("prices", state, share, bound, message)


def _vanished(newest: pd.Timestamp, sales: pd.DataFrame, bounds: DeliveryBounds) -> Check:
    weeks = [newest - k * WEEK for k in range(USUAL_WEEKS + _OFTEN + 1)]
    recent = sales[sales["week"].isin(weeks) & (sales["volume"] > 0)]
    by_week = {week: set(rows["isbn"]) for week, rows in recent.groupby("week")}
    shares = []
    for at in range(USUAL_WEEKS + 1):
        usually = set.intersection(
            *(by_week.get(weeks[at + k], set()) for k in range(1, _OFTEN + 1))
        )
        lacking = usually - by_week.get(weeks[at], set())
        shares.append(len(lacking) / len(usually) if usually else np.nan)
    now = shares[0]
    usual = float(np.nanmedian(shares[1:])) if np.isfinite(shares[1:]).any() else 0.0
    bound = max(bounds.vanished, _VANISHED_TIMES * usual)
    if np.isnan(now):
        return Check("vanished", "ok", now, bound, "No title has sales in every week.")
    state: State = "warning" if now > bound else "ok"
    message = f"{now:.0%} of the titles with sales in each of {_OFTEN} weeks have none now."
    return Check("vanished", state, now, bound, message)


def _new(latest: pd.DataFrame, before: pd.DataFrame) -> Check:
    new = set(latest["isbn"]) - set(before["isbn"])
    message = f"{len(new):,} titles have their first sale in the newest week."
    return Check("new titles", "ok", len(new), np.nan, message)
