"""A release in which some titles are those of an older one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from book_forecast.payload.contents import Payload
from book_forecast.releases.draft import Draft
from book_forecast.releases.refresh import distributions_table
from book_forecast.storage.errors import UserError


def with_titles_of(champion: Payload, older: Payload, isbns: Sequence[str]) -> Draft:
    """Take some titles of an older release into the champion.

    Args:
        champion: What all other titles come from.
        older: What these titles come from.
        isbns: The titles.

    Returns:
        A release to be published. The older titles keep their cutoff until newer weeks are rolled
        in.

    Raises:
        UserError: If either release lacks one of the titles.
    """
    rows = {isbn: row for row, isbn in enumerate(champion.titles["isbn"].to_pylist())}
    older_rows = {isbn: row for row, isbn in enumerate(older.titles["isbn"].to_pylist())}
    for isbn in isbns:
        for release, known in ((champion.release, rows), (older.release, older_rows)):
            if isbn not in known:
                raise UserError(f"The release {release} has no title {isbn}.")
    places = np.arange(len(champion))
    for isbn in isbns:
        places[rows[isbn]] = len(champion) + older_rows[isbn]
    tables = {
        "titles": pa.concat_tables([champion.titles, older.titles]).take(places),
        "histories": pa.table(
            {"volumes": pa.chunked_array([*champion.volumes.chunks, *older.volumes.chunks])}
        ).take(places),
        "distributions": distributions_table(
            np.concatenate([champion.mean, older.mean])[places],
            np.concatenate([champion.quantiles, older.quantiles])[places],
        ),
    }
    if champion.scores is not None and older.scores is not None:
        tables["scores"] = pa.concat_tables([champion.scores, older.scores]).take(places)
    kept = ("data", "scores")
    about = {name: champion.manifest[name] for name in kept if name in champion.manifest}
    mended = {"of": champion.release, "from": older.release, "isbns": list(isbns)}
    return Draft(tables, {**about, "mended": mended})
