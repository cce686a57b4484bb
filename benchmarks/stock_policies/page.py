"""The section of docs/decisions.md on stock under different forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from benchmarks.runs import markdown_table
from benchmarks.stock_policies.simulation import NAIVE, OURS, SAFETY, SOURCES, SPANS
from book_forecast.decisions.orders import Terms


def summary(rows: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Add up titles, and put figures per 100 copies asked for.

    Args:
        rows: As `simulate` returns them, with a column panel.
        terms: Prices and costs.

    Returns:
        A row per panel, policy, lead_weeks and source.
    """
    by = rows.groupby(["panel", "policy", "lead_weeks", "source"], sort=False)
    found = by.sum(numeric_only=True).drop(columns="target")
    found["target"], found["titles"] = by["target"].first(), by["isbn"].nunique()
    margin, unit_cost = (terms.price or 0.0) - (terms.unit_cost or 0.0), terms.unit_cost or 0.0
    cost = (
        margin * found["short"]
        + terms.holding_cost * found["stock"]
        + terms.write_off * unit_cost * found["left"]
    )
    share = 100.0 / found["asked"].where(found["asked"] > 0)
    # Stock in weeks of sales: the mean over scored weeks, beside what a week asks for.
    found["mean_stock"] = found["stock"] / found["asked"].where(found["asked"] > 0)
    for name in ("short", "left"):
        found[name] *= share
    found["cost"] = cost * share
    found["weeks_short"] = found["weeks_short"] / found["weeks"]
    for kind in ("ordered", "waited"):
        found[f"{kind}_share"] = found[f"{kind}_kept"] / found[kind].where(found[kind] > 0)
    return found.reset_index()


def policy_tables(found: pd.DataFrame) -> Iterator[str]:
    """Yield a table for each policy and lead time."""
    for (policy, lead), own in found.groupby(["policy", "lead_weeks"], sort=False):
        targets = own["target"]
        name = {"service_level": "Service level", "margin": "Best margin, target"}[str(policy)]
        yield f"### {name} {targets.iloc[0]:.0%}, lead time {lead} weeks\n"
        yield markdown_table(
            ["panel", "titles", "forecast", "short", "left", "stock", "weeks short", "cost"],
            [list(_policy_row(row)) for row in own.to_dict("records")],
        )


def _policy_row(row: Mapping[Any, Any]) -> Iterator[str]:
    is_first = row["source"] == SOURCES[0]
    yield str(row["panel"]) if is_first else ""
    yield str(row["titles"]) if is_first else ""
    yield str(row["source"])
    yield f"{row['short']:.1f}"
    yield f"{row['left']:.0f}"
    yield f"{row['mean_stock']:.1f}"
    yield f"{row['weeks_short']:.1%}"
    yield f"{row['cost']:.0f}"


def promise_table(found: pd.DataFrame) -> str:
    """Return how often orders and waiting kept their promise."""
    rows = []
    keys = ["panel", "policy", "lead_weeks"]
    for (panel, _, lead), own in found.groupby(keys, sort=False):
        by_source = {row["source"]: row for row in own.to_dict("records")}
        cells = [panel, lead, f"{own['target'].iloc[0]:.0%}"]
        for source in (OURS, NAIVE, SAFETY):
            one = by_source[source]
            cells += [_kept(one, "ordered"), _kept(one, "waited")]
        rows.append(cells)
    heads = [f"{name}: {kind}" for name in (OURS, NAIVE, SAFETY) for kind in ("orders", "waiting")]
    return markdown_table(["panel", "lead", "asked", *heads], rows)


def _kept(row: Mapping[Any, Any], kind: str) -> str:
    return f"{row[f'{kind}_share']:.0%} of {row[kind]:.0f}" if row[kind] else ""


def coverage_table(sums: pd.DataFrame) -> str:
    """Return the share of sums inside the 80 % interval.

    Args:
        sums: As `simulate` returns them, with a column panel.
    """
    rows = []
    for panel, own in [("all panels", sums), *sums.groupby("panel", sort=False)]:
        cells = [panel]
        for source in (OURS, NAIVE, SAFETY):
            for span in SPANS:
                one = own[(own["source"] == source) & (own["weeks"] == span)]
                cells.append(f"{one['inside'].mean():.0%}" if len(one) else "")
        count = len(own[(own["source"] == OURS) & (own["weeks"] == SPANS[0])])
        rows.append([*cells, f"{count:,}"])
    heads = [f"{source}, {span} weeks" for source in (OURS, NAIVE, SAFETY) for span in SPANS]
    return markdown_table(["panel", *heads, "sums of 4 weeks"], rows)
