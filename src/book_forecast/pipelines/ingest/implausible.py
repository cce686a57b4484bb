"""Rows that are held back: well formed, but impossible beside all others."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import pandas as pd

from book_forecast.bookscan.rules.plausibility import ROUNDED, implausible_volumes, rounded_isbns
from book_forecast.bookscan.rules.rejections import IMPLAUSIBLE
from book_forecast.options.groups import IngestOptions

logger = logging.getLogger(__name__)

_SHOWN = 3
_BESIDE_OTHERS = f"{IMPLAUSIBLE} beside the other volumes; ingest.hold_back=false uses it"


def hold_back(
    rows: pd.DataFrame,
    files: Sequence[str],
    rounded: Sequence[Mapping[str, frozenset[str]]],
    ingest: IngestOptions,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Separate rows with implausible volumes or rounded ISBNs.

    Args:
        rows: Usable rows of all exports: isbn, week, volume, row, sheet, delivery and others.
        files: The file of each delivery.
        rounded: Distinct titles of ISBNs that may be rounded.
        ingest: Whether implausible volumes are held back.

    Returns:
        The other rows; and those held back: file, sheet, row, column, value, reason.
    """
    is_rounded = rows["isbn"].isin(rounded_isbns(rounded)).to_numpy()
    held = [_rejected(rows[is_rounded], files, "ISBN", "isbn", ROUNDED)]
    kept = rows[~is_rounded].reset_index(drop=True) if is_rounded.any() else rows
    if ingest.hold_back:
        implausible = implausible_volumes(kept)
        if implausible.any():
            found = kept[implausible]
            logger.warning(
                "Held back %d implausible volumes: %s (ingest.hold_back=false uses them)",
                len(found),
                ", ".join(
                    f"{row.isbn} {row.week:%Y-%m-%d} {row.volume:.3g}"
                    for row in found.head(_SHOWN).itertuples()
                ),
            )
            held.append(_rejected(found, files, "Volume", "volume", _BESIDE_OTHERS))
            kept = kept[~implausible].reset_index(drop=True)
    return kept, pd.concat(held, ignore_index=True)


def _rejected(
    rows: pd.DataFrame, files: Sequence[str], column: str, name: str, reason: str
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "file": [files[number] for number in rows["delivery"]],
            "sheet": rows["sheet"].astype("str"),
            "row": rows["row"].astype("int64"),
            "column": column,
            "value": rows[name].map(str),
            "reason": reason,
        }
    ).astype({"file": "str", "sheet": "str", "column": "str", "value": "str", "reason": "str"})
