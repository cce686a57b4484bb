"""Launches among the titles to fit; the prior of each is its specification."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.execution.launch_knowledge import learn_once
from book_forecast.forecasters.ceilings import ANY_CLASS
from book_forecast.forecasters.launches.frames import TitleFacts
from book_forecast.forecasters.launches.knowledge import LaunchKnowledge
from book_forecast.forecasters.launches.launch import LAUNCH_WEEKS
from book_forecast.forecasters.launches.past_launches import Facts
from book_forecast.series.history import History, title_histories

logger = logging.getLogger(__name__)

LAUNCH = "launch"
"""Column of specifications: what is known of a launch before its own weeks, as JSON."""
_MOST_CLASSES = 50


def specify_launches(
    weeks: pd.DataFrame,
    launch_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    launches: pd.DataFrame | None,
    specifications: pd.DataFrame,
    *,
    every_title: bool,
    wanted: Collection[str] | None = None,
) -> pd.DataFrame:
    """Add the priors of launches among the titles.

    A launch is a title that tune has not seen, or one with fewer than `LAUNCH_WEEKS` weeks and
    without a fold of its own.

    Args:
        weeks: isbn, week, volume of the titles to fit.
        launch_weeks: isbn, week, volume, rrp of the panel's launches; later weeks are not used.
        titles: isbn, product_class, author, imprint, binding, publication_date, list_price.
        launches: isbn, publication_date, comparable, print_run; None without any.
        specifications: One row per title, as tune writes them.
        every_title: Whether titles without a specification get one.
        wanted: Titles to fit; None for all.

    Returns:
        The specifications, with a column `launch`; rows of launches that tune has not seen have
        nothing else.
    """
    rows = specifications.set_index("isbn", drop=False)
    young = [
        history
        for history in title_histories(weeks)
        if (wanted is None or history.isbn in wanted)
        and _is_launch(history, rows, every_title=every_title)
    ]
    found = specifications.assign(**{LAUNCH: None})
    if not young:
        return found.astype({LAUNCH: "str"})
    knowledge, known = learn_once(weeks, launch_weeks, titles, launches)
    logger.info(
        "Learned from %d launches of the panel for %d titles with few weeks or none",
        *(len(knowledge.launches), len(young)),
    )
    texts = {history.isbn: _prior(history, knowledge, known) for history in young}
    found[LAUNCH] = found["isbn"].map(texts)
    added = [isbn for isbn in texts if isbn not in rows.index]
    new = pd.DataFrame({"isbn": added, LAUNCH: [texts[isbn] for isbn in added]})
    return pd.concat([found, new], ignore_index=True).astype({"isbn": "str", LAUNCH: "str"})


def describe_launches(
    model_input: pd.DataFrame,
    launch_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    launches: pd.DataFrame | None,
) -> dict[str, Any]:
    """Return priors of launches by their class alone, for titles yet to appear.

    Args:
        model_input: isbn, week, volume of the titles that are forecast.
        launch_weeks: isbn, week, volume, rrp of the panel's launches.
        titles: isbn, product_class and what else is known of each.
        launches: isbn, publication_date, comparable, print_run; None without any.

    Returns:
        Priors as plain data by product class, those with the most launches, and `ANY_CLASS`.
    """
    knowledge, _ = learn_once(model_input, launch_weeks, titles, launches)
    counts = Counter(launch.facts.group for launch in knowledge.launches)
    groups = [ANY_CLASS, *(group for group, _ in counts.most_common(_MOST_CLASSES) if group)]
    return {group: knowledge.prior(Facts(group)).to_state() for group in groups}


def _is_launch(history: History, rows: pd.DataFrame, *, every_title: bool) -> bool:
    if history.isbn not in rows.index:
        return every_title
    row = rows.loc[history.isbn].to_dict()
    folds, weights = row.get("n_folds"), row.get("weights")
    has_fold = not pd.isna(folds) and int(folds) > 0
    return history.n_weeks < LAUNCH_WEEKS and not has_fold and not pd.isna(weights)


def _prior(history: History, knowledge: LaunchKnowledge, known: TitleFacts) -> str:
    isbn = history.isbn
    prior = knowledge.prior(
        known.of(isbn), known.print_runs.get(isbn, np.inf), without=knowledge.row(isbn)
    )
    published = known.publications.get(isbn)
    content = {
        "prior": prior.to_state(),
        "publication": None if published is None else str(published),
    }
    return json.dumps(content, separators=(",", ":"), allow_nan=False)
