"""Titles that have come out since a training, or are to come: the release takes them in."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.forecasters.launches.frames import publication_week
from book_forecast.payload.contents import Payload
from book_forecast.releases.launches import NAMES, NewTitle, can_take_in, with_launches
from book_forecast.series.history import History

logger = logging.getLogger(__name__)


def take_in(release: Payload, histories: Sequence[History], titles: pd.DataFrame | None) -> Payload:
    """Take in titles without a week before the end of the training; others wait for a training.

    Args:
        release: The release.
        histories: The weeks of all titles that are sold or to come.
        titles: isbn, title, author, product_class, publication_date; None to take in none.
    """
    if titles is None or not can_take_in(release):
        return release
    trained = np.datetime64(release.manifest["trained_until"], "D")
    known = set(release.titles["isbn"].to_pylist())
    new = [
        history.isbn
        for history in histories
        if history.isbn not in known and _is_new(history, trained)
    ]
    if not new:
        return release
    rows = {str(row["isbn"]): row for row in titles[titles["isbn"].isin(new)].to_dict("records")}
    logger.info("Took in %d titles that came out since the training, or are to come", len(new))
    return with_launches(release, [_described(isbn, rows.get(isbn, {})) for isbn in new])


def _is_new(history: History, trained: np.datetime64) -> bool:
    return bool(history.first_week > trained or not np.isfinite(history.volumes).any())


def _described(isbn: str, row: Mapping[Any, Any]) -> NewTitle:
    names = {name: row.get(name) for name in NAMES}
    texts = {name: text if isinstance(text, str) else None for name, text in names.items()}
    published = row.get("publication_date")
    if pd.isna(published):
        return NewTitle(isbn, texts, None)
    return NewTitle(isbn, texts, publication_week(pd.Timestamp(published)))
