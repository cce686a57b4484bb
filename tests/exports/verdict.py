"""Whether the outcome of ingest is right for an export."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from book_forecast.storage.errors import UserError
from tests.exports.drafts import Excuse, Export, stem_of
from tests.exports.ingest import Outcome
from tests.exports.truth import Key

RIGHT, TOLD, REFUSED = "right", "told", "refused"


@dataclass(frozen=True)
class Verdict:
    """The judgement.

    Attributes:
        kind: `RIGHT`, `TOLD`, `REFUSED`, or the kind of a fault.
        detail: The first differences or the error.
    """

    kind: str
    detail: str = ""

    @property
    def is_fault(self) -> bool:
        return self.kind not in (RIGHT, TOLD, REFUSED)


@dataclass(frozen=True)
class _Difference:
    only: str
    kind: str
    key: Key
    text: str
    rejected: bool = False


def judge(export: Export, outcome: Outcome) -> Verdict:
    """Compare the outcome with the right reading.

    A difference is accepted only if a mutation declares it as one that may be told, and a warning
    that names the file, or the reason of a rejected row of the same title-week, is about it.
    """
    if outcome.error is not None:
        return _judge_error(export, outcome, outcome.error)
    differences = [*_volumes(export, outcome), *_prices(export, outcome), *_titles(export, outcome)]
    if not differences:
        return Verdict(RIGHT)
    faults = [each for each in differences if not _is_excused(export, outcome, each)]
    if not faults:
        return Verdict(TOLD, differences[0].text)
    kind = Counter(each.kind for each in faults).most_common(1)[0][0]
    shown = "; ".join(each.text for each in faults if each.kind == kind and each)
    return Verdict(kind, f"{len(faults)} faults: {shown[:600]}")


def _judge_error(export: Export, outcome: Outcome, error: BaseException) -> Verdict:
    text = str(error)
    if not isinstance(error, UserError):
        return Verdict("crash", f"{type(error).__name__}: {text[:500]}")
    if not any(re.search(pattern, text) for pattern in export.draft.refusals):
        return Verdict("refused, but clear", text)
    if not any(_names_a_file(export, each) for each in [text, *outcome.warnings]):
        return Verdict("refused without the file's name", text)
    return Verdict(REFUSED, text)


def _names_a_file(export: Export, text: str) -> bool:
    return any(Path(name).name in text for name in export.files)


def _is_excused(export: Export, outcome: Outcome, difference: _Difference) -> bool:
    excuses = [
        excuse
        for excuse in export.draft.excuses
        if excuse.only == difference.only and (excuse.keys is None or difference.key in excuse.keys)
    ]
    return any(_is_told(excuse, export, outcome, difference) for excuse in excuses)


def _is_told(excuse: Excuse, export: Export, outcome: Outcome, difference: _Difference) -> bool:
    about = re.compile(excuse.about)
    if any(about.search(each) and _names_a_file(export, each) for each in outcome.warnings):
        return True
    rejected = outcome.rejected
    keys = _rejected_keys(export, rejected)
    reasons = (rejected["column"] + " " + rejected["reason"])[keys == difference.key]
    return any(about.search(reason) for reason in reasons)


def _rejected_keys(export: Export, rejected: pd.DataFrame) -> pd.Series:
    places = zip(rejected["file"].map(stem_of), rejected["sheet"], rejected["row"], strict=True)
    return pd.Series([export.places.get(place) for place in places], rejected.index, dtype=object)


def _volumes(export: Export, outcome: Outcome) -> Iterator[_Difference]:
    expected = export.draft.expected
    found = _column(outcome.weekly, "volume")
    rejected = set(_rejected_keys(export, outcome.rejected))
    for key in sorted(expected.keys() | found.keys()):
        right, got = float(expected.get(key, 0)), found.get(key, 0.0)
        if abs(right - got) < 1e-6 * max(1.0, abs(right)):
            continue
        kind = "wrong volume"
        if key not in expected:
            kind = "a title-week that is not there"
        elif key not in found:
            kind = "a title-week is lost"
        if key in rejected:
            kind = "a good row is rejected"
        yield _Difference("volume", kind, key, f"{_show(key)}: {right:g} copies, read {got:g}")


def _prices(export: Export, outcome: Outcome) -> Iterator[_Difference]:
    expected = _right_prices(export)
    volumes = _column(outcome.weekly, "volume")
    for name in export.prices:
        found = _column(outcome.weekly, name)
        for key, right in expected[name].items():
            # Of a wrong volume its own difference tells enough.
            if volumes.get(key) != export.draft.expected[key]:
                continue
            got = found[key]
            if math.isnan(got):
                yield _Difference(
                    "price", f"{name} lost", key, f"{_show(key)}: {name} {right} lost"
                )
            elif abs(got - right) > 0.011 + 0.005 * right:
                text = f"{_show(key)}: {name} {right}, read {got:g}"
                yield _Difference("price", f"wrong {name}", key, text)


def _right_prices(export: Export) -> dict[str, dict[Key, float]]:
    """Prices of title-weeks with the true volume, where every row has them."""
    right: dict[str, dict[Key, float]] = {"value": {}, "asp": {}, "rrp": {}}
    draft = export.draft
    simple = draft.chosen.get("rows") not in ("some values empty", "more returns than sales")
    for sale in draft.truth.sales:
        if draft.expected.get(sale.key) != sale.volume:
            continue
        if simple or "asp" in export.prices:
            right["value"][sale.key] = float(sale.value)
        if simple or "asp" in export.prices:
            right["asp"][sale.key] = float(sale.asp)
        if sale.title.rrp is not None:
            right["rrp"][sale.key] = float(sale.title.rrp)
    return right


def _titles(export: Export, outcome: Outcome) -> Iterator[_Difference]:
    if not export.titles_checked:
        return
    found = dict(zip(outcome.titles["isbn"], outcome.titles["title"], strict=True))
    for title in export.draft.truth.titles:
        got = found.get(title.isbn, title.title)
        if got != title.title:
            key = title.isbn, dt.date.min
            yield _Difference("title", "wrong title", key, f"{title.title!r}, read {got!r}")


def _column(weekly: pd.DataFrame, name: str) -> dict[Key, float]:
    days = pd.DatetimeIndex(weekly["week"]).date
    return dict(
        zip(zip(weekly["isbn"], days, strict=True), weekly[name].astype(float), strict=True)
    )


def _show(key: Key) -> str:
    return f"{key[0]} {key[1]:%a %Y-%m-%d}"
