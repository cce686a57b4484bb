"""What the year was: costs and errors of both arms, and each week with what was wrong about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.runs import markdown_table
from benchmarks.year import people
from benchmarks.year.arm import Arm, Week
from benchmarks.year.world import World
from book_forecast.series.history import WEEK

AHEAD = 4
_FOUND_WITHIN = 8
"""Weeks within which a shifted title must be trained."""


def report(refresh: Arm, whole: Arm, world: World) -> str:
    """Return tables of costs and errors over the weeks that both arms have, and of events."""
    ours, theirs = refresh.weeks(), whole.weeks()
    parts = [
        f"Finished: {_last(ours)} weeks of refreshes, {_last(theirs)} of whole trainings.\n",
    ]
    both = min(_last(ours), _last(theirs))
    if both > 0:
        parts.append(_beside(refresh, whole, world, both))
    if _last(ours) > 0:
        parts += [_weeks(ours), _trainings(ours), _shifts(ours, world), _alerts(ours)]
    wrong = [text for week in [*ours, *theirs] for text in week.wrong]
    wrong += _unfound(ours, world) if _last(ours) > 0 else []
    parts.append("Wrong: " + ("nothing.\n" if not wrong else "\n\n- " + "\n- ".join(wrong) + "\n"))
    return "\n".join(parts)


def _last(weeks: list[Week]) -> int:
    return weeks[-1].week if weeks else -1


def _beside(refresh: Arm, whole: Arm, world: World, weeks: int) -> str:
    """Return costs and errors of both arms up to a week; the first training costs both the same."""
    trial = (people.MADE_BAD, people.TRIED, people.ROLLED_BACK)
    tried = [week.week for week in refresh.weeks() if any(e.startswith(trial) for e in week.events)]
    at = world.mishaps.weeks
    odd = {*tried, *world.mishaps.late, at["short"], at["broken"]}
    found = {}
    for name, arm in (("refresh", refresh), ("whole", whole)):
        done = [week for week in arm.weeks() if 0 < week.week <= weeks]
        cost = sum(week.core_seconds for week in done)
        errors = [wape(arm.data, world, weeks, without) for without in (set(), set(tried), odd)]
        found[name] = (cost, errors, sum(week.by_hand for week in done))
    cost, errors, by_hand = found["refresh"]
    most, least, _ = found["whole"]
    rows = [
        ("refresh", f"{cost:.0f}", f"{cost / most:.0%}", *(f"{e:.4f}" for e in errors)),
        ("whole training each week", f"{most:.0f}", "100%", *(f"{e:.4f}" for e in least)),
        ("difference", "", "", *(f"{a / b - 1:+.1%}" for a, b in zip(errors, least, strict=True))),
    ]
    columns = (
        *("way", "core-seconds", "share", "WAPE, all weeks"),
        *("without the bad release", "and without broken and late deliveries"),
    )
    return (
        markdown_table(columns, rows)
        + f"\nTrainings and commands by hand for mishaps: {by_hand:.0f} core-seconds.\n"
    )


def _weeks(weeks: list[Week]) -> str:
    rows = []
    for before, week in pairwise(weeks):
        trained = ", ".join(
            f"{decision} {count} ({reason})"
            for decision, reasons in week.reasons.items()
            for reason, count in reasons.items()
        )
        promoted = "promoted" if week.champion != before.champion else ""
        refused = f"refused: {', '.join(week.refused)}" if week.refused else promoted
        rows.append(
            (
                week.week,
                f"{week.core_seconds:.0f}",
                week.state,
                trained,
                refused,
                "; ".join(week.events),
            )
        )
    return markdown_table(("week", "core-seconds", "state", "trained", "release", "events"), rows)


def _trainings(weeks: list[Week]) -> str:
    """Return how many titles were trained for which reason, over all weeks."""
    counts: Counter[str] = Counter()
    for week in weeks:
        for decision, reasons in week.reasons.items():
            counts.update({f"{decision}, {reason}": n for reason, n in reasons.items()})
    shown = "; ".join(f"{name}: {count}" for name, count in counts.most_common())
    return f"Titles trained by refreshes: {shown or 'none'}.\n"


def _shifts(weeks: list[Week], world: World) -> str:
    """Return what was found of shifts, and of titles without one."""
    lines = []
    for name in ("down", "up"):
        at, group = world.mishaps.weeks[name], world.groups[name]
        if _last(weeks) < at:
            continue
        after = [week for week in weeks if at <= week.week < at + _FOUND_WITHIN]
        for word, found in (
            ("found", [set(week.shifted) for week in after]),
            (
                "trained for drift or degradation",
                [_because(week, ("drift", "degradation")) for week in after],
            ),
            ("trained", [set(week.trained) for week in after]),
        ):
            firsts = [
                next((k + 1 for k, isbns in enumerate(found) if isbn in isbns), None)
                for isbn in group
            ]
            hit = [first for first in firsts if first is not None]
            middle = f", in week {np.median(hit):.0f} in the middle" if hit else ""
            lines.append(
                f"- {name} in week {at}: {len(hit)} of {len(group)} titles {word}{middle}\n"
            )
    shifted = {*world.groups["down"], *world.groups["up"]}
    others = [len(set(week.shifted) - shifted) for week in weeks[1:]]
    drifted = [len(_because(week, ("drift",)) - shifted) for week in weeks[1:]]
    lines.append(
        f"- titles that were not shifted: {sum(others)} alarms and {sum(drifted)} refits for drift "
        f"in {len(others)} weeks\n"
    )
    return "".join(lines)


def _because(week: Week, reasons: Collection[str]) -> set[str]:
    return {isbn for isbn, reason in week.trained.items() if reason in reasons}


def _unfound(weeks: list[Week], world: World) -> list[str]:
    """Return shifted titles that nothing was trained of in time."""
    found = []
    for name in ("down", "up"):
        at = world.mishaps.weeks[name]
        after = [week for week in weeks if at <= week.week < at + _FOUND_WITHIN]
        if len(after) < _FOUND_WITHIN:
            continue
        trained = set().union(*(week.trained for week in after))
        found += [
            f"week {at}: {isbn} has shifted {name}, and is not trained in {_FOUND_WITHIN} weeks"
            for isbn in world.groups[name]
            if isbn not in trained
        ]
    return found


def _alerts(weeks: list[Week]) -> str:
    counts = Counter(kind for week in weeks for kind in week.alerts)
    shown = ", ".join(f"{kind} in {count}" for kind, count in sorted(counts.items()))
    return f"Weeks with alerts: {shown or 'none'}.\n"


def wape(data: Path, world: World, weeks: int, without: Collection[int]) -> float:
    """Return the WAPE of recorded forecasts, 1 to 4 weeks ahead, against the sales as they were.

    Args:
        data: The data root.
        world: The sales.
        weeks: The last week whose forecasts count, and whose sales do.
        without: Weeks whose forecasts do not count.
    """
    tables = [
        pd.read_parquet(path, columns=["isbn", "cutoff", "week", "mean"])
        for path in sorted((data / "07_model_output/forecast_history").glob("*/*.parquet"))
    ]
    forecasts = pd.concat(tables).drop_duplicates(["isbn", "cutoff", "week"], keep="last")
    ahead = forecasts["week"] - forecasts["cutoff"]
    number = (forecasts["cutoff"] - world.first) // WEEK
    counts = number.between(0, weeks) & ~number.isin(list(without)) & (ahead <= AHEAD * WEEK)
    sold = world.sold()
    known = pd.MultiIndex.from_product(
        [sold["isbn"].unique(), [world.day(k) for k in range(1, weeks + 1)]],
        names=["isbn", "week"],
    )
    # A week without a row is one without a sale.
    full = sold.set_index(["isbn", "week"])["sold"].reindex(known, fill_value=0).reset_index()
    rows = forecasts[counts].merge(full, on=["isbn", "week"])
    return float((rows["mean"] - rows["sold"]).abs().sum() / rows["sold"].sum())
