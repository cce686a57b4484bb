"""What planners ask about a title beside its forecast: added to the release."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from book_forecast.payload.contents import Payload
from book_forecast.payload.planning import PARTS, PLANNING, updated
from book_forecast.pipelines.forecast.explanations import MEMBER, PART
from book_forecast.releases.assembly import with_planning
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import PROMOTION

_DECIMALS = 4
"""Of factors: more would only fill the releases."""


def describe_titles(
    current_release: Payload,
    explanations: pd.DataFrame,
    titles: pd.DataFrame | None,
    model_input: pd.DataFrame | None,
    covariates: pd.DataFrame | None,
    titles_left_out: pd.DataFrame | None,
) -> Payload:
    """Add details, explanations, promotions and the titles left out to the release.

    Where a table is None, the release's own rows stay.

    Args:
        current_release: After newer weeks.
        explanations: As `explain_forecasts` returns them.
        titles: isbn and maybe imprint, publisher_group, publication_date, list_price.
        model_input: isbn, week, rrp.
        covariates: isbn, week, name, value.
        titles_left_out: isbn, title, reason.

    Returns:
        The release with its tables for planners.
    """
    row_of = {isbn: row for row, isbn in enumerate(current_release.titles["isbn"].to_pylist())}
    found: dict[str, pa.Table] = {}

    def update(kind: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
        placed = {row_of[isbn]: row for isbn, row in rows.items() if isbn in row_of}
        former = current_release.planning.get(kind)
        found[kind] = updated(former, kind, placed, len(row_of))

    update("explanations", dict(_explained(explanations)))
    if titles is not None:
        update("details", _details(titles, model_input))
    if covariates is not None:
        # All of them: a promotion that is planned no more must not stay.
        promoted = _promotions(covariates)
        update("promotions", {isbn: promoted.get(isbn, {}) for isbn in row_of})
    if titles_left_out is not None:
        lacking = titles_left_out[~titles_left_out["isbn"].isin(list(row_of))].sort_values("isbn")
        rows = lacking[PLANNING["left_out"].names]
        found["left_out"] = pa.Table.from_pandas(rows, PLANNING["left_out"], preserve_index=False)
    return with_planning(current_release, found)


def _details(titles: pd.DataFrame, model_input: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    """Return the details of each title, by column."""
    known = titles.set_index("isbn").reindex(
        columns=["imprint", "publisher_group", "publication_date", "list_price"]
    )
    price = known["list_price"].astype(float)
    if model_input is not None:
        last = model_input.dropna(subset="rrp").groupby("isbn")["rrp"].last()
        price = last.reindex(known.index).fillna(price)
    published = pd.to_datetime(known["publication_date"]).dt.date
    columns = {
        "imprint": known["imprint"],
        "publisher_group": known["publisher_group"],
        "publication_date": published,
        "price": price,
    }
    table = pd.DataFrame(columns).astype(object)
    rows = table.where(table.notna(), None).to_dict("records")
    return dict(zip(known.index, rows, strict=True))


def _explained(explanations: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each title and its explanation, by column."""
    if explanations.empty:
        return
    keys = explanations[["isbn", "kind", "name"]]
    starts = np.flatnonzero((keys != keys.shift()).any(axis=1).to_numpy())
    heads = explanations.iloc[starts]
    paths, weights = (
        np.split(explanations[column].to_numpy(), starts[1:]) for column in ("value", "weight")
    )
    found: dict[str, dict[str, Any]] = {}
    for isbn, kind, name, weight, path in zip(
        heads["isbn"], heads["kind"], heads["name"], weights, paths, strict=True
    ):
        row = found.setdefault(isbn, {"members": {}})
        if kind == MEMBER:
            row["members"][name] = round(float(weight.mean()), _DECIMALS)
        elif kind == PART and name == "level":
            row["level"] = float(path[0])
        elif kind == PART and name in PARTS:
            row[name] = np.round(path, _DECIMALS)
    for isbn, row in found.items():
        yield isbn, {**row, "members": json.dumps(row["members"], sort_keys=True)}


def _promotions(covariates: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the promotions of each title, the planned ones included, by column."""
    names = (PROMOTION, PROMOTION_PLAN)
    rows = covariates[covariates["name"].isin(names) & (covariates["value"] > 0)]
    # A plan that has come to pass stands in the sales too.
    rows = rows.drop_duplicates(["isbn", "week"]).sort_values(["isbn", "week"])
    return {
        str(isbn): {
            "weeks": title["week"].dt.date.to_list(),
            "depths": title["value"].to_numpy(dtype=np.float32),
        }
        for isbn, title in rows.groupby("isbn", sort=False)
    }
