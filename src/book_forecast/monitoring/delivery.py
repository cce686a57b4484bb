"""Checks of the newest delivery of sales: late, short, jumps of volume or price, titles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from book_forecast.monitoring.impossible_weeks import accepted_and_alike, how_to_accept
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
        accepted_weeks: Ends of weeks whose copies are right.
        judged_weeks: Newest weeks among which such a week makes later ones like it right.
    """

    late_days: int
    volume_jump: float
    price_jumps: float
    vanished: float
    accepted_weeks: Sequence[dt.date]
    judged_weeks: int


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
    left_out: pd.DataFrame,
    bounds: DeliveryBounds,
    today: dt.date | None,
) -> list[Check]:
    """Check the newest week of the sales, and which weeks are left out.

    Args:
        sales: isbn, week, volume, asp of the exports: a week without a sale has no row.
        grid: isbn, week, volume of the titles in use; NaN where the week is missing.
        expected: isbn, week, mean: forecasts of the newest week, made before it; may be empty.
        left_out: week, ratio of impossible weeks, which are in no forecast.
        bounds: Of a usual delivery.
        today: For the age of the sales; None where they are meant to end early.
    """
    newest = sales["week"].max()
    if pd.isna(newest):
        return [Check("sales", "broken", 0.0, np.nan, "There are no sales at all.")]
    usual = sales[sales["week"].between(newest - USUAL_WEEKS * WEEK, newest - WEEK)]
    latest = sales[sales["week"] == newest]
    right = accepted_and_alike(
        sales, bounds.judged_weeks, bounds.accepted_weeks, bounds.volume_jump
    )
    found = [_late(newest, bounds, today)] if today is not None else []
    return [
        *found,
        _short(newest, latest, grid[grid["week"] == newest]),
        _volume(latest, usual, expected[expected["week"] == newest], bounds, newest in right),
        _left_out(newest, left_out, bounds),
        _prices(latest, usual, bounds),
        _vanished(newest, sales, bounds),
        _new(latest, sales[sales["week"] < newest]),
    ]


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
    latest: pd.DataFrame,
    usual: pd.DataFrame,
    expected: pd.DataFrame,
    bounds: DeliveryBounds,
    is_accepted: bool,
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
    if is_accepted:
        state = "ok"
        message += " The week is accepted, or like one that is."
    return Check("volume", state, ratio, bound, message)


def _left_out(newest: pd.Timestamp, left_out: pd.DataFrame, bounds: DeliveryBounds) -> Check:
    if left_out.empty:
        return Check("weeks left out", "ok", 0, 0, "No week is left out.")
    # Forecasts go on from the week before the newest one, or around others.
    state: State = "broken" if newest in set(left_out["week"]) else "warning"
    weeks = ", ".join(
        f"{week:%Y-%m-%d} ({ratio:.2f} times the copies expected)"
        for week, ratio in zip(left_out["week"], left_out["ratio"], strict=True)
    )
    message = (
        f"Beyond all intervals of the forecasts before, and in no forecast since: {weeks}. "
        f"{how_to_accept(left_out['week'], bounds.accepted_weeks)}"
    )
    return Check("weeks left out", state, len(left_out), 0, message)


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
    new = set(latest["isbn"]) - set(before["isbn"].unique())
    message = f"{len(new):,} titles have their first sale in the newest week."
    return Check("new titles", "ok", len(new), np.nan, message)
