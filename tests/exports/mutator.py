"""Draws exports with known right readings: a truth, mutations, real files."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import replace

from tests.exports.columns import DATE, WEEK_ENDING
from tests.exports.deliveries import deliver
from tests.exports.drafts import Draft, Export, Line
from tests.exports.files import FileWriter
from tests.exports.layouts import draw_layout
from tests.exports.looks import Look, draw_look
from tests.exports.styles import NUMBERS

_FORMATS = (
    *("xlsx typed", "parquet", "csv.gz", "zip", "ods", "xlsx text", "xlsx 1904 serials") * 2,
    "xlsx typed", "xlsx typed", "xlsx text", "xlsx 1904", "xlsx serials", "xlsx 1904 serials",
    "parquet", "parquet", "csv.gz", "zip", "ods", "txt", "xlsx half-converted dates",
)  # fmt: skip
_PRICES = ("value", "asp", "rrp")


def mutate(seed: int, only: dict[str, str] | None = None) -> Export:
    """Draw the export of a seed: the same seed gives the same files.

    Args:
        seed: Of all draws.
        only: The only mutations, by kind; None to draw them.
    """
    rng = random.Random(seed)
    draft = Draft(rng, forced=only)
    draft.format = draft.choose("format", "csv", _FORMATS, 0.45)
    deliver(draft)
    look = draw_look(draft)
    looks = _vary(draft, [look] * len(draft.deliveries))
    layout = draw_layout(draft)
    is_rounded = draft.chosen.get("rows", "").endswith("rounded")
    export = Export(
        seed=seed,
        draft=draft,
        files={},
        places={},
        prices=[name for name in _PRICES if name in look.columns],
        titles_checked="title" in look.columns and not is_rounded,
    )
    writer = FileWriter(export, layout)
    for number, (lines, each) in enumerate(zip(draft.deliveries, looks, strict=True)):
        _note_weak_evidence(draft, lines, each)
        writer.write(f"sales-2024-{number + 1:02d}", lines, each)
    return export


def _vary(draft: Draft, looks: list[Look]) -> list[Look]:
    """Give one of several deliveries another convention than the others."""
    if len(looks) < 2:
        return looks
    ways = ("US dates", "numbers", "ISBNs") if draft.is_text else ("ISBNs",)
    way = draft.choose("one delivery differs", "no", ways, 0.4)
    at = draft.rng.randrange(len(looks))
    look = looks[at]
    if way == "US dates":
        looks[at] = replace(look, dates="mm/dd/yyyy")
    elif way == "numbers":
        other = draft.rng.choice([name for name in NUMBERS if name != "Indian"])
        looks[at] = replace(look, numbers=NUMBERS[other])
        if not {"value", "asp"} & set(look.columns):
            looks[at] = look
    elif way == "ISBNs":
        looks[at] = replace(look, isbn_form="hyphens")
    return looks


def _note_weak_evidence(draft: Draft, lines: Sequence[Line], look: Look) -> None:
    """Let a file be refused, or its dates be told, whose dates can be read in two ways."""
    days = {line.day + dt.timedelta(days=look.shift) for line in lines if line.dated}
    keys = [line.key for line in lines]
    if look.shift and len(days) < 3:
        draft.excuse(WEEK_ENDING)
    if not _has_day_and_month(look.dates) or any(day.day > 12 for day in days):
        return
    if "interval" in look.columns:
        return
    swapped = {day.replace(month=day.day, day=day.month) for day in days}
    saturdays = all(day.weekday() == 5 for day in days)
    if saturdays and any(day.weekday() != 5 for day in swapped):
        return
    draft.refusals.append(DATE)
    draft.excuse(DATE, [*keys, *((isbn, day) for isbn, _ in keys for day in swapped)])


def _has_day_and_month(dates: str) -> bool:
    return (
        dates.lower()
        .replace("-", "/")
        .replace(".", "/")
        .startswith(("d/m", "dd/mm", "m/d", "mm/dd"))
    )
