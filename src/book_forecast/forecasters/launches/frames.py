"""Launches and facts of titles, from the pipelines' frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.forecasters.launches.knowledge import LaunchKnowledge, learn_launches
from book_forecast.forecasters.launches.past_launches import (
    LEAD_WEEKS,
    Facts,
    PastLaunch,
    launch_week,
)
from book_forecast.forecasters.launches.seasons import Series
from book_forecast.series.history import WEEK, FloatArray, title_histories

ENOUGH_BEFORE = 8
"""Weeks of the panel before the first sale of a title from which on it is a launch."""
_SILENT_WEEKS = 26
_OLD_WEEKS = 2 * LEAD_WEEKS


@dataclass(frozen=True)
class TitleFacts:
    """Facts of titles from tables.

    Attributes:
        facts: By ISBN.
        publications: Saturday of the week of publication by ISBN, where it is known.
        print_runs: By ISBN, where it is known.
    """

    facts: Mapping[str, Facts]
    publications: Mapping[str, np.datetime64]
    print_runs: Mapping[str, float]

    def of(self, isbn: str) -> Facts:
        """Return the facts of a title, empty ones if it is unknown."""
        return self.facts.get(isbn, Facts())


def learn_from_frames(
    weeks: pd.DataFrame,
    launch_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    launches: pd.DataFrame | None,
) -> tuple[LaunchKnowledge, TitleFacts]:
    """Learn from the launches of a panel.

    Args:
        weeks: isbn, week, volume up to a cutoff.
        launch_weeks: isbn, week, volume, rrp of the panel's launches; weeks after that cutoff are
            not used.
        titles: isbn, product_class and what else is known of each.
        launches: isbn, publication_date, comparable, print_run; None without any.
    """
    facts = read_facts(titles, launches, launch_weeks)
    return learn_launches(*cut_launches(weeks, launch_weeks, facts)), facts


def read_facts(
    titles: pd.DataFrame, launches: pd.DataFrame | None, launch_weeks: pd.DataFrame
) -> TitleFacts:
    """Read what is known of titles beside their sales.

    Args:
        titles: isbn, product_class and, where the export has them, author, imprint, binding,
            publication_date, list_price.
        launches: isbn, publication_date, comparable, print_run; None without any.
        launch_weeks: isbn, rrp: the price where titles have none.
    """
    listed = {} if launches is None else {row["isbn"]: row for row in _records(launches)}
    sold_at = {}
    if "rrp" in launch_weeks:
        sold_at = launch_weeks.dropna(subset=["rrp"]).groupby("isbn")["rrp"].first().to_dict()
    facts, publications, print_runs = {}, {}, {}
    for row in _records(titles):
        isbn, own = row["isbn"], listed.get(row["isbn"], {})
        price = row.get("list_price")
        facts[isbn] = Facts(
            group=_text(row.get("product_class")),
            author=_text(row.get("author")),
            imprint=_text(row.get("imprint")),
            binding=_text(row.get("binding")),
            price=float(sold_at.get(isbn, np.nan) if pd.isna(price) else price),
            comparable=tuple(_text(own.get("comparable")).split()),
        )
        published = own.get("publication_date")
        published = row.get("publication_date") if pd.isna(published) else published
        if not pd.isna(published):
            publications[isbn] = publication_week(pd.Timestamp(published))
        if not pd.isna(own.get("print_run")):
            print_runs[isbn] = float(own["print_run"])
    return TitleFacts(facts, publications, print_runs)


def cut_launches(
    weeks: pd.DataFrame, launch_weeks: pd.DataFrame, known: TitleFacts
) -> tuple[list[PastLaunch], Series]:
    """Return the launches of the panel, and the series of all its titles.

    A title that was published long before its first sale is no launch.
    """
    launch_weeks = launch_weeks[launch_weeks["week"] <= weeks["week"].max()]
    launches, isbns = [], set(launch_weeks["isbn"].unique())
    series = []
    others = weeks[~weeks["isbn"].isin(isbns)]
    for history in title_histories(pd.concat([others, launch_weeks], ignore_index=True)):
        first = history.first_week
        facts = known.of(history.isbn)
        at = first + WEEK * np.arange(history.n_weeks)
        series.append((facts.group, at, history.volumes))
        if history.isbn not in isbns:
            continue
        published = known.publications.get(history.isbn)
        start = launch_week(history.volumes, first, published)
        if published is not None and first - published > WEEK * _OLD_WEEKS:
            continue
        volumes = _alive(history.volumes[max(start, 0) :])
        if np.isfinite(volumes).any():
            launches.append(PastLaunch(history.isbn, first + WEEK * max(start, 0), volumes, facts))
    return launches, series


def _alive(volumes: FloatArray) -> FloatArray:
    """Return the weeks up to the last sale, where a long silence shows that it was the last."""
    sold = np.flatnonzero(volumes > 0.0)
    last = int(sold[-1]) if len(sold) else -1
    return volumes[: last + 1] if len(volumes) - last > _SILENT_WEEKS else volumes


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _text(value: object) -> str:
    return str(value) if isinstance(value, str) else ""


def publication_week(day: pd.Timestamp) -> np.datetime64:
    """Return the Saturday of the week of a publication date."""
    return np.datetime64(day.to_period("W-SAT").end_time.date(), "D")
