"""From a true history to the rows of one or several deliveries."""

from __future__ import annotations

from collections.abc import Callable

from tests.exports.drafts import Draft, Line, line_of
from tests.exports.rows import ROWS, USUAL_ROWS
from tests.exports.truth import make_truth

INCOMPLETE = r"(?i)incomplete|partial|not all|few(er)? titles|titles report|of \d+ titles"


def deliver(draft: Draft) -> None:
    """Draw a true history, split it into deliveries, and mutate their rows."""
    way = draft.choose("deliveries", "one", _DELIVERIES, 0.35)
    rows = draft.choose("rows", "one per title and week", USUAL_ROWS * 3 + [*ROWS], 0.45)
    few_are_enough = way != "newest week incomplete" and "rounded" not in rows
    draft.truth = make_truth(draft.rng, 2 if few_are_enough else 4, roundable="rounded" in rows)
    draft.expected = dict(draft.truth.volumes)
    lines = [line_of(sale) for sale in draft.truth.sales]
    draft.deliveries = _DELIVERIES[way](draft, lines) if way in _DELIVERIES else [lines]
    draft.deliveries = [delivery for delivery in draft.deliveries if delivery]
    if rows in ROWS:
        ROWS[rows](draft)
    _sort(draft)


def _sort(draft: Draft) -> None:
    order = draft.choose("order of rows", "by title", ("oldest first", "by week", "mixed"), 0.3)
    for lines in draft.deliveries:
        if order == "oldest first":
            lines.sort(key=lambda line: (line.title.isbn, line.week))
        elif order == "by week":
            lines.sort(key=lambda line: (line.week, line.title.isbn), reverse=True)
        elif order == "mixed":
            draft.rng.shuffle(lines)


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
