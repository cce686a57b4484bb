"""The columns of an export: which, in which order, under which headings."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from tests.exports.drafts import Draft

NUMBER = r"(?i)number|decimal|thousand|separator|comma|convention|ambiguous"
DATE = r"(?i)\bdates?\b|end date|day first|month first|interval|ambiguous"
WEEK_ENDING = r"(?i)week.?ending|sunday|friday|monday|thursday|weeks? (that )?ends?"
COLUMN = r"(?i)column"
MONEY = r"(?i)price|value|asp|money|currenc"

_HEADERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # Names that every reader of exports has to know, and names for which it may refuse the file.
    "isbn": (("EAN", "ISBN-13", "ISBN13", "isbn", "EAN13", "ISBN_13"), ("Barcode", "Artikel-EAN")),
    "volume": (
        ("Units", "Units Sold", "Qty", "VOLUME", "Quantity", "Sales Units"),
        ("Copies", "Absatz", "Ventes", "Menge"),
    ),
    "end_date": (
        ("Week Ending", "W/E", "end date", "END_DATE", "Week End", "Week Ending Date"),
        ("Datum", "Date", "Week", "Semaine"),
    ),
    "week_start": (("Week Commencing", "W/C", "Week Beginning"), ("Start Date", "Week Start")),
}
_LABELS = {
    "isbn": "ISBN",
    "title": "Title",
    "author": "Author",
    "interval": "Interval",
    "end_date": "End Date",
    "volume": "Volume",
    "value": "Value",
    "asp": "ASP",
    "rrp": "RRP",
    "channel": "Channel",
    "product_class": "Product Class",
    "region": "Region",
}
# Days from the Saturday to the date that is written.
_WEEK_ENDINGS = {"Sunday": 1, "Friday": -1, "Monday": 2, "Thursday": -2}
_WEEK_STARTS = {"from Sunday": -6, "from Monday": -5, "from Saturday": -7}
_EXTRA: dict[str, tuple[str, ...]] = {
    "rank": ("Rank", "Pos", "#"),
    "number": ("No.", "Row", "Line ID"),
    "to_date": ("YTD Units", "Volume YTD", "Cumulative Volume", "Units to Date", "Total Volume"),
    "last_week": ("Last Week Units", "LW Volume", "Prev Volume", "Volume LY"),
    "published": ("Publication Date", "Pub Date", "Release Date"),
    "week_start": ("Week Commencing", "Start Date", "Week Start"),
    "isbn_10": ("ISBN-10", "ISBN 10", "ISBN10"),
}


def draw_columns(draft: Draft) -> tuple[tuple[str, ...], dict[str, str], int, str]:
    """Choose columns: their names in order, headings, shift of dates, and kind of intervals."""
    rng = draft.rng
    by_day = draft.chosen.get("rows") in ("by day", "stray days")
    labels = dict(_LABELS)
    wanted = ["isbn", "end_date", "volume"]
    wanted += [name for name in ("title", "author", "product_class") if rng.random() < 0.7]
    money = draft.choose("money", "value and ASP", ("none", "value", "ASP"), 0.3)
    wanted += {"value and ASP": ["value", "asp"], "value": ["value"], "ASP": ["asp"]}.get(money, [])
    wanted += ["rrp"] if rng.random() < 0.5 else []
    wanted += ["region"] if rng.random() < 0.15 else []
    extra = draft.choose("extra column", "none", _EXTRA, 0.3)
    if extra in _EXTRA:
        wanted.append(extra)
        labels[extra] = rng.choice(_EXTRA[extra])
    # Returns and channels have a column of their own, without which their rows may be equal.
    wanted += ["channel"] if draft.chosen.get("rows") in ("returns", "by channel") else []
    interval = ""
    shift = 0
    if not by_day:
        interval = draft.choose(
            "interval", "", ("ISO", "ISO", "n-th Saturday", "some dates empty", "alone"), 0.4
        )
        shift = _draw_week_ending(draft, interval, labels)
    if interval:
        wanted.append("interval")
    if interval == "alone":
        wanted = [name for name in wanted if name not in ("end_date", "week_start")]
    if shift <= -5 and "week_start" in wanted:
        wanted.remove("week_start")
    if draft.choose("order of columns", "usual", ("mixed",), 0.4) == "mixed":
        rng.shuffle(wanted)
    else:
        order = [*_LABELS, *_EXTRA]
        wanted.sort(key=order.index)
    _draw_headings(draft, labels, starts=shift <= -5)
    convention = "n-th Saturday" if interval == "n-th Saturday" else "ISO"
    if interval in ("n-th Saturday", "some dates empty"):
        _empty_some_dates(draft)
    return tuple(wanted), labels, shift, convention


def _draw_week_ending(draft: Draft, interval: str, labels: dict[str, str]) -> int:
    if interval in ("alone", "n-th Saturday", "some dates empty"):
        return 0
    days = _WEEK_ENDINGS if interval else _WEEK_ENDINGS | _WEEK_STARTS
    ending = draft.choose("week ending", "Saturday", days, 0.25)
    return days.get(ending, 0)


def _draw_headings(draft: Draft, labels: dict[str, str], *, starts: bool) -> None:
    known = draft.choose("headings", "usual", (*["synonyms"] * 36, "with units", "rare"), 0.35)
    names = {"isbn": "isbn", "volume": "volume"}
    names["end_date"] = "week_start" if starts else "end_date"
    if starts:
        labels["end_date"] = draft.rng.choice(_HEADERS["week_start"][0])
    if known == "usual":
        return
    if known == "with units":
        for column, unit in (("volume", "Units"), ("value", "£"), ("asp", "£"), ("rrp", "£")):
            labels[column] = f"{labels[column]} ({unit})"
        draft.excuse(MONEY, only="price")
        draft.refusals.append(COLUMN)
        return
    rare_column = draft.rng.choice(list(names)) if known == "rare" else ""
    for column, name in names.items():
        usual, rare = _HEADERS[name]
        labels[column] = draft.rng.choice(usual)
        if column == rare_column:
            labels[column] = draft.rng.choice(rare)
            draft.refusals.append(COLUMN)


def _empty_some_dates(draft: Draft) -> None:
    """Empty some dates, in files whose other rows show the convention of intervals."""
    for number, lines in enumerate(draft.deliveries):
        emptied = [replace(line, dated=draft.rng.random() > 0.08) for line in lines]
        pairs = [line for line in emptied if line.dated and _conventions_differ(line.week)]
        if len(pairs) >= 5 or not any(_conventions_differ(line.week) for line in lines):
            draft.deliveries[number] = emptied


def _conventions_differ(week: dt.date) -> bool:
    return interval_of(week, "ISO") != interval_of(week, "n-th Saturday")


def interval_of(week: dt.date, convention: str) -> str:
    """Write the interval of the week that ends on a Saturday."""
    if convention == "ISO":
        year, number, _ = week.isocalendar()
        return f"{year}{number:02d}"
    return f"{week.year}{(week.timetuple().tm_yday - 1) // 7 + 1:02d}"
