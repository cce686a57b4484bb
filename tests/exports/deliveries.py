"""Mutations of rows: deliveries, corrections, returns, channels, copies, wrong cells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

from tests.exports.drafts import Draft, Line, line_of
from tests.exports.truth import Key, make_truth

COPIES = r"(?i)cop(y|ies)\b|duplicat|twice|repeat|same (figures|rows)|identical"
ISBNS = r"(?i)round|lost digits|isbns? .*titles|titles .*isbn"
IMPLAUSIBLE = r"(?i)implausib|too (large|high)|outlier|typo|volume"
INCOMPLETE = r"(?i)incomplete|partial|not all|few(er)? titles|titles report|of \d+ titles"

_CHANNELS = ("Shops", "Online")


def deliver(draft: Draft) -> None:
    """Draw a true history, split it into deliveries, and mutate their rows."""
    way = draft.choose("deliveries", "one", _DELIVERIES, 0.35)
    rows = draft.choose("rows", "one per title and week", _USUAL_ROWS * 3 + [*_ROWS], 0.45)
    few_are_enough = way != "newest week incomplete" and "rounded" not in rows
    draft.truth = make_truth(draft.rng, 2 if few_are_enough else 4, roundable="rounded" in rows)
    draft.expected = dict(draft.truth.volumes)
    lines = [line_of(sale) for sale in draft.truth.sales]
    draft.deliveries = _DELIVERIES[way](draft, lines) if way in _DELIVERIES else [lines]
    draft.deliveries = [delivery for delivery in draft.deliveries if delivery]
    if rows in _ROWS:
        _ROWS[rows](draft)


def _split(draft: Draft, lines: list[Line], overlap: int = 0) -> list[list[Line]]:
    """Cut the weeks into pieces, each with the last weeks of the piece before it."""
    weeks = draft.truth.weeks
    cuts = sorted(draft.rng.sample(range(8, len(weeks)), draft.rng.randint(1, 4)))
    edges = zip([0, *cuts], [*cuts, len(weeks)], strict=True)
    pieces = [weeks[max(0, start - overlap) : stop] for start, stop in edges]
    return [[line for line in lines if line.week in set(piece)] for piece in pieces]


def _overlapping(draft: Draft, lines: list[Line]) -> list[list[Line]]:
    return _split(draft, lines, overlap=draft.rng.randint(1, 6))


def _corrected(draft: Draft, lines: list[Line]) -> list[list[Line]]:
    """Deliver some weeks with wrong figures first, and right in a later file."""
    weeks = set(draft.rng.sample(draft.truth.weeks, draft.rng.randint(1, 4)))
    first = [
        line.scaled(max(1, int(line.volume) * draft.rng.choice((1, 2, 3)) // 2))
        if line.week in weeks
        else line
        for line in lines
    ]
    return [first, [line for line in lines if line.week in weeks]]


def _by_titles(draft: Draft, lines: list[Line]) -> list[list[Line]]:
    """Deliver the newest weeks of half of the titles later."""
    newest = set(draft.truth.weeks[-draft.rng.randint(1, 3) :])
    later = {title.isbn for title in draft.truth.titles[::2]}
    late = [line for line in lines if line.week in newest and line.title.isbn in later]
    return [[line for line in lines if line not in late], late]


def _newest_week(draft: Draft, lines: list[Line]) -> list[list[Line]]:
    """Deliver the newest week in a file of its own."""
    newest = draft.truth.weeks[-1]
    return [
        [line for line in lines if line.week != newest],
        [line for line in lines if line.week == newest],
    ]


def _incomplete(draft: Draft, lines: list[Line]) -> list[list[Line]]:
    """Leave out most titles of the newest week."""
    newest = draft.truth.weeks[-1]
    reporting = {title.isbn for title in draft.truth.titles[: len(draft.truth.titles) // 4]}
    for title in draft.truth.titles:
        if title.isbn not in reporting:
            draft.expected.pop((title.isbn, newest), None)
    draft.excuse(INCOMPLETE, [(isbn, newest) for isbn in reporting])
    return [[line for line in lines if line.week != newest or line.title.isbn in reporting]]


_DELIVERIES: dict[str, Callable[[Draft, list[Line]], list[list[Line]]]] = {
    "split by weeks": _split,
    "overlapping": _overlapping,
    "corrected": _corrected,
    "newest weeks by titles": _by_titles,
    "newest week alone": _newest_week,
    "newest week incomplete": _incomplete,
}


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


_ROWS: dict[str, Callable[[Draft], None]] = {
    "returns": _return,
    "more returns than sales": _return_more,
    "by channel": _by_channel,
    "by day": _by_day,
    "all twice": _all_twice,
    "some twice": _some_twice,
    "implausible volumes": _typo,
    "ISBNs rounded": _round_isbns,
    "some ISBNs rounded": _round_some_isbns,
    "some values empty": _without_value,
}
# Rounded ISBNs lead to refusals: few exports have them.
_USUAL_ROWS = [name for name in _ROWS if "rounded" not in name]
