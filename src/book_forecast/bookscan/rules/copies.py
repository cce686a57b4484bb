"""Copies of rows in one file: an export pasted twice, or the same sheet under two names.

Rows of one title and week on a sheet are editions or channels, and add up. A row that equals
another in all of its cells is a copy where most such rows are doubled, or where another column
tells channels apart. Two sheets that have mostly the same figures are copies of each other. A sheet
that is the sum of all others has their totals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from book_forecast.bookscan.cell_hashes import hash_rows
from book_forecast.bookscan.columns import ATTRIBUTES
from book_forecast.bookscan.rows import RawRows
from book_forecast.bookscan.rules.cleaning import CleanRows

_DISTINGUISHING = (*ATTRIBUTES, "source", "transaction")
_FIGURES = ["volume", "value", "asp", "rrp"]
_MOSTLY = 0.5
_SURELY = 0.9
_RARELY_EQUAL = 10
_SAMPLE = 500_000
_BITMAP_LIMIT = 1 << 28
_WEEK = np.timedelta64(7, "D")
_PRIME = np.uint64(1_000_003)


@dataclass(frozen=True)
class Copies:
    """The copies among the usable rows of a file.

    Attributes:
        of_part: Whether each usable row of each part is a copy.
        remarks: What a user should know.
    """

    of_part: list[np.ndarray]
    remarks: tuple[str, ...] = ()


def find_copies(
    raw: Sequence[RawRows], clean: Sequence[CleanRows], rule: Literal["drop", "add"] | None = None
) -> Copies:
    """Find the rows of a file that repeat others.

    Args:
        raw: All rows of the file, in parts.
        clean: The usable ones of each part.
        rule: Whether rows that equal others are copies; None to find out.
    """
    sizes = [len(part.sales) for part in clean]
    nothing = Copies([np.zeros(size, dtype=bool) for size in sizes])
    title_week = _title_weeks(clean)
    if rule == "add" or not _has_repeats(title_week):
        return nothing
    repeated = np.flatnonzero(pd.Series(title_week).duplicated(keep=False))
    ends = np.cumsum(sizes)
    of_part = np.searchsorted(ends, repeated, side="right")
    frames = []
    for number, (raw_part, part) in enumerate(zip(raw, clean, strict=True)):
        positions = repeated[of_part == number] - (ends[number] - sizes[number])
        frame = part.sales.iloc[positions][_FIGURES].reset_index(drop=True)
        hashes = _hash_cells(raw_part, np.flatnonzero(part.kept)[positions])
        # A row may have its week as a date or as an interval.
        hashes = hashes * _PRIME + part.days[positions].astype(np.uint64)
        frames.append(frame.assign(sheet=raw_part.sheet, cells=hashes))
    rows = pd.concat(frames, ignore_index=True)
    rows["title_week"] = title_week[repeated]
    of_sheet, first_remarks = _copies_on_sheets(rows, surely=rule == "drop")
    between, second_remarks = _copies_between_sheets(rows[~of_sheet])
    copies = np.zeros(len(title_week), dtype=bool)
    copies[repeated[of_sheet]] = True
    copies[repeated[between]] = True
    return Copies(np.split(copies, ends[:-1]), tuple(first_remarks + second_remarks))


def _title_weeks(clean: Sequence[CleanRows]) -> np.ndarray:
    """Return one number per usable row, the same for the same title and week."""
    numbers: dict[str, int] = {}
    codes = []
    for part in clean:
        known = [numbers.setdefault(isbn, len(numbers)) for isbn in part.isbns]
        codes.append(np.array(known, dtype=np.int64)[part.isbn_codes])
    weeks = np.concatenate([part.sales["week"].to_numpy() for part in clean])
    if not len(weeks):
        return np.empty(0, dtype=np.int64)
    of_week = (weeks - weeks.min()) // _WEEK
    title_week: np.ndarray = np.concatenate(codes) * (int(of_week.max()) + 1) + of_week
    return title_week


def _has_repeats(numbers: np.ndarray) -> bool:
    if not len(numbers):
        return False
    if numbers.max() >= _BITMAP_LIMIT:
        return len(np.unique(numbers)) < len(numbers)
    seen = np.zeros(numbers.max() + 1, dtype=bool)
    seen[numbers] = True
    return int(np.count_nonzero(seen)) < len(numbers)


def _hash_cells(raw: RawRows, positions: np.ndarray) -> np.ndarray:
    """Return a hash of the texts that distinguish rows of a title-week, other columns included."""
    columns = [raw.table[name] for name in _DISTINGUISHING if name in raw.table.column_names]
    hashes = hash_rows(columns)
    total = np.zeros(len(positions), np.uint64) if hashes is None else hashes[positions]
    return total if raw.others is None else total * _PRIME + raw.others[positions]


def _copies_on_sheets(rows: pd.DataFrame, surely: bool) -> tuple[np.ndarray, list[str]]:
    copies = np.zeros(len(rows), dtype=bool)
    remarks = []
    for name, of_sheet in rows.groupby("sheet", sort=False):
        sheet = str(name)
        identity = ["title_week", *_FIGURES, "cells"]
        again = of_sheet.duplicated(identity).to_numpy()
        where = f"on sheet {sheet}" if sheet else "in it"
        if not again.any():
            if _have_equal_volumes(of_sheet):
                remarks.append(
                    f"Most title-weeks {where} are there again with the same copies, but with "
                    "other texts: they add up. Remove the rows that are copies."
                )
        elif surely or _are_copies(of_sheet, identity):
            copies[of_sheet.index[again]] = True
            remarks.append(
                f"{again.sum():,} rows {where} are copies of others and count once. Name copies: "
                "add if they are sales."
            )
        else:
            remarks.append(
                f"{again.sum():,} rows {where} equal others and count as sales, because most "
                "title-weeks have several different rows. Name copies: drop if they are copies."
            )
    return copies, remarks


def _have_equal_volumes(rows: pd.DataFrame) -> bool:
    """Return whether rows of most title-weeks are equal in volumes that are so rarely by chance."""
    step = 1 + len(rows) // _SAMPLE
    some = rows if step == 1 else rows[rows["title_week"] % step == 0]
    volumes = some.groupby("title_week", sort=False)["volume"].agg(["min", "max", "size"])
    volumes = volumes[volumes["size"] > 1]
    equal = (volumes["min"] == volumes["max"]) & (volumes["min"] >= _RARELY_EQUAL)
    return bool(equal.mean() >= _MOSTLY) if len(volumes) else False


def _are_copies(rows: pd.DataFrame, identity: list[str]) -> bool:
    """Return whether equal rows of a sheet are copies rather than equal sales of two channels."""
    times = rows.groupby(identity, dropna=False, sort=False)["sheet"].transform("size")
    fewest = times.groupby(rows["title_week"]).min()
    if (fewest >= 2).mean() >= _MOSTLY:
        return True
    others = rows[~rows.duplicated(identity)]
    by_title_week = others.groupby("title_week")["cells"].agg(["size", "nunique"])
    several = by_title_week[by_title_week["size"] > 1]
    # With a column that tells channels apart, no two rows of different channels are equal.
    return bool((several["nunique"] == several["size"]).mean() > 1 - _MOSTLY / 10)


def _copies_between_sheets(rows: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Return the index of rows that repeat other sheets, and remarks.

    A sheet of totals is the sum of the others. Any other one repeats earlier sheets, each where
    most of the title-weeks that both have are the same.
    """
    sums = rows.groupby(["sheet", "title_week"], sort=False)[["volume", "value"]].sum(min_count=1)
    sheets = list(dict.fromkeys(rows["sheet"]))
    dropped: list[np.ndarray] = []
    remarks = []
    total = _find_total(sums, sheets)
    if total is not None:
        sheet, again = total
        dropped.append(_index_of(rows, sheet, again))
        sheets.remove(sheet)
        remarks.append(
            f"Sheet {sheet} is the sum of the other sheets in {len(again):,} title-weeks: they "
            "count once. Name sheets to choose."
        )
    copied: set[str] = set()
    for number, later in enumerate(sheets):
        left = sums.loc[later]
        for earlier in [sheet for sheet in sheets[:number] if sheet not in copied]:
            first = sums.loc[earlier]
            both = first.index.intersection(left.index)
            if not len(both):
                continue
            same = _share_of_same(first, left, both)
            if same >= _MOSTLY:
                dropped.append(_index_of(rows, later, both))
                left = left.drop(both)
                remarks.append(
                    f"Sheet {later} repeats {len(both):,} title-weeks of sheet {earlier}, "
                    f"{same:.0%} with the same figures: they count once. Name sheets to choose."
                )
                continue
            remarks.append(
                f"{len(both):,} title-weeks are on both sheets {earlier} and {later}: they add up. "
                "Name sheets to choose."
            )
        if left.empty:
            copied.add(later)
    return np.concatenate(dropped or [np.empty(0, dtype=np.int64)]), remarks


def _find_total(sums: pd.DataFrame, sheets: Sequence[str]) -> tuple[str, pd.Index] | None:
    """Return the sheet that is the sum of the others, and the title-weeks that it repeats.

    Args:
        sums: volume, value by sheet and title_week.
        sheets: The sheets.
    """
    for sheet in sheets if len(sheets) > 2 else []:
        own = sums.loc[[sheet]].droplevel("sheet")
        others = sums.drop(sheet, level="sheet")
        others = others[others.index.get_level_values("title_week").isin(own.index)]
        of_all = others.groupby("title_week").sum(min_count=1)
        several = others.groupby("title_week").size() > 1
        added = of_all.index[several.loc[of_all.index]]
        if not len(added) or _share_of_same(own, of_all, added) < _SURELY:
            continue
        if _share_of_same(own, of_all, of_all.index) >= _SURELY:
            return sheet, of_all.index
    return None


def _share_of_same(first: pd.DataFrame, second: pd.DataFrame, title_weeks: pd.Index) -> float:
    a, b = (frame.reindex(title_weeks).fillna(0.0) for frame in (first, second))
    return float(np.isclose(a, b).all(axis=1).mean())


def _index_of(rows: pd.DataFrame, sheet: str, title_weeks: pd.Index) -> np.ndarray:
    found = (rows["sheet"] == sheet) & rows["title_week"].isin(title_weeks)
    return np.asarray(rows.index[found])
