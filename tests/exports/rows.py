"""Mutations of rows: returns, channels, days, copies, wrong cells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

from tests.exports.drafts import Draft, Line
from tests.exports.truth import Key, Title

COPIES = r"(?i)cop(y|ies)\b|duplicat|twice|repeat|same (figures|rows)|identical|equal"
ISBNS = r"(?i)round|lost digits|isbns? .*titles|titles .*isbn"
STRAY = r"(?i)weekday|no saturday|other days?\b|stray|nearest"
IMPLAUSIBLE = r"(?i)implausib|too (large|high)|outlier|typo"

_CHANNELS = ("Shops", "Online")
_STATIONERY = Title("5012345678900", "Pencils", None, None, "Stationery")


def _change(draft: Draft, share: float, change: Callable[[Line], list[Line]]) -> set[Key]:
    """Replace the rows of some title-weeks, in every delivery alike."""
    keys = sorted(draft.truth.volumes)
    hit = set(draft.rng.sample(keys, max(1, int(share * len(keys)))))
    for number, lines in enumerate(draft.deliveries):
        draft.deliveries[number] = [
            changed for line in lines for changed in (change(line) if line.key in hit else [line])
        ]
    return hit


def _return(draft: Draft) -> None:
    """Add rows of returns; the net is what the true history has."""

    def returned(line: Line) -> list[Line]:
        copies = 1 + int(line.volume) // 7
        gross = line.scaled(int(line.volume) + copies)
        return [gross, replace(gross.scaled(-copies), channel="Returns")]

    _change(draft, 0.1, returned)


def _return_more(draft: Draft) -> None:
    """Give some weeks more returns than sales: their net is negative."""

    def returned(line: Line) -> list[Line]:
        return [line.scaled(-(1 + int(line.volume) // 9))]

    newest = set(draft.truth.weeks[-2:])
    for key in _change(draft, 0.03, lambda line: [line] if line.week in newest else returned(line)):
        if key[1] not in newest:
            draft.expected[key] = -(1 + draft.expected[key] // 9)


def _by_channel(draft: Draft) -> None:
    """Write every title-week as two rows of channels; equal ones may pass for copies if told."""
    equal: set[Key] = set()

    def divided(line: Line) -> list[Line]:
        shop = int(line.volume) * draft.rng.randint(30, 70) // 100
        parts = [part for part in (shop, int(line.volume) - shop) if part]
        if len(parts) == 2 and parts[0] == parts[1]:
            equal.add(line.key)
        return [
            replace(line.scaled(part), channel=channel)
            for part, channel in zip(parts, _CHANNELS, strict=False)
        ]

    _change(draft, 1.0, divided)
    if equal:
        draft.excuse(COPIES, equal)


def _by_day(draft: Draft) -> None:
    """Write every title-week as rows of days, from Sunday to Saturday."""

    def divided(line: Line) -> list[Line]:
        days = sorted(draft.rng.sample(range(7), min(3, int(line.volume))))
        each = int(line.volume) // len(days)
        volumes = [each] * (len(days) - 1) + [int(line.volume) - each * (len(days) - 1)]
        return [
            replace(line.scaled(volume), day=line.week - dt.timedelta(days=back))
            for back, volume in zip(days, volumes, strict=True)
        ]

    _change(draft, 1.0, divided)


def _stray_days(draft: Draft) -> None:
    """Write a few dates a day early or late, as by a slip."""
    newest = draft.truth.weeks[-1]
    weeks = draft.rng.sample(draft.truth.weeks[1:-1], 2)
    for number, lines in enumerate(draft.deliveries):
        draft.deliveries[number] = [
            replace(line, day=line.week + dt.timedelta(days=1 if line.week == weeks[0] else -1))
            if line.week in weeks and line.week < newest
            else line
            for line in lines
        ]
    near = {week + dt.timedelta(days=days) for week in weeks for days in (-7, 0, 7)}
    draft.excuse(STRAY, [(title.isbn, week) for title in draft.truth.titles for week in near])


def _all_twice(draft: Draft) -> None:
    draft.deliveries[-1] *= 2
    draft.excuse(COPIES, {line.key for line in draft.deliveries[-1]})


def _some_twice(draft: Draft) -> None:
    hit = _change(draft, 0.05, lambda line: [line, line])
    draft.excuse(COPIES, hit)


def _typo(draft: Draft) -> None:
    """Write an impossible volume in one or two rows, or their ISBN in its place."""
    keys = draft.rng.sample(sorted(draft.truth.volumes), draft.rng.randint(1, 2))
    way = draft.rng.choice(("1e9", "ISBN"))
    for number, lines in enumerate(draft.deliveries):
        draft.deliveries[number] = [
            replace(line, volume=1_000_000_000 if way == "1e9" else int(line.title.isbn))
            if line.key in keys
            else line
            for line in lines
        ]
    for key in keys:
        draft.expected.pop(key)
    draft.excuse(IMPLAUSIBLE, keys)


def _round_isbns(draft: Draft) -> None:
    """Write one rounded ISBN in place of all; its check digit is right by chance."""
    rounded = draft.truth.titles[0].isbn[:6] + "0000000"
    for number, lines in enumerate(draft.deliveries):
        draft.deliveries[number] = [replace(line, isbn=rounded) for line in lines]
    draft.expected.clear()
    draft.excuse(ISBNS)
    draft.refusals.append(ISBNS)


def _round_some_isbns(draft: Draft) -> None:
    """Write the same rounded ISBN for two titles; the others stay as they are."""
    titles = draft.truth.titles
    rounded = titles[0].isbn[:6] + "0000000"
    hit = {title.isbn for title in titles[:2]}
    for number, lines in enumerate(draft.deliveries):
        draft.deliveries[number] = [
            replace(line, isbn=rounded) if line.title.isbn in hit else line for line in lines
        ]
    keys = [key for key in draft.expected if key[0] in hit]
    for key in keys:
        del draft.expected[key]
    draft.excuse(ISBNS, [*keys, *((rounded, week) for week in draft.truth.weeks)])
    draft.refusals.append(ISBNS)


def _without_value(draft: Draft) -> None:
    """Leave out the value of some rows, and the ASP of others."""
    for number, lines in enumerate(draft.deliveries):
        draft.deliveries[number] = [
            replace(line, value=None) if draft.rng.random() < 0.1 else line for line in lines
        ]


def _add_zeros(draft: Draft) -> None:
    """Write rows of zero copies for the weeks of a delivery in which a title sold none."""
    for lines in draft.deliveries:
        sold = {line.key for line in lines}
        for title in draft.truth.titles:
            for week in sorted({line.week for line in lines}):
                if (title.isbn, week) not in sold and draft.rng.random() < 0.5:
                    lines.append(Line(title, week, week, 0, None, None))


def _add_stationery(draft: Draft) -> None:
    """Write a few rows of products that are no books."""
    for lines in draft.deliveries:
        for line in lines[:: max(30, len(lines) // 4)]:
            lines.append(replace(line, title=_STATIONERY))


def _total_isbn(draft: Draft) -> None:
    """Write a row of all titles for each of some weeks, with a made-up ISBN of zeros."""
    total = replace(_STATIONERY, isbn="0000000000000", title="All titles")
    for lines in draft.deliveries:
        weeks = sorted({line.week for line in lines})[:: max(10, len(lines))]
        lines.extend(Line(total, week, week, 12_345, None, None) for week in weeks)


ROWS: dict[str, Callable[[Draft], None]] = {
    "returns": _return,
    "more returns than sales": _return_more,
    "by channel": _by_channel,
    "by day": _by_day,
    "stray days": _stray_days,
    "all twice": _all_twice,
    "some twice": _some_twice,
    "implausible volumes": _typo,
    "ISBNs rounded": _round_isbns,
    "some ISBNs rounded": _round_some_isbns,
    "some values empty": _without_value,
    "zero rows": _add_zeros,
    "other products": _add_stationery,
    "totals under zeros": _total_isbn,
}
# Rounded ISBNs lead to refusals: few exports have them.
USUAL_ROWS = [name for name in ROWS if "rounded" not in name]
