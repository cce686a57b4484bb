"""Tables of docs/decisions.md: stock under orders from different forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from benchmarks.runs import markdown_table
from benchmarks.stock_policies.simulation import NAIVE, OURS, SAFETY, SOURCES, SPANS
from book_forecast.decisions.orders import Terms

_KEYS = ["order_size", "policy", "panel", "lead_weeks"]
_POLICIES = {"service_level": "Service level", "margin": "Largest expected margin: target"}
_SIZES = {"target": "order_size: target", "median": "order_size: median"}


def summary(rows: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Add up titles, and put figures per 100 copies asked for.

    Args:
        rows: As `simulate` returns them, with a column panel.
        terms: Prices and costs.

    Returns:
        A row per order_size, policy, panel, lead_weeks and source. `stock` is the mean one, in
        weeks of sales.
    """
    by = rows.groupby([*_KEYS, "source"], sort=False)
    found = by.sum(numeric_only=True).drop(columns="target")
    found["target"], found["titles"] = by["target"].first(), by["isbn"].nunique()
    unit_cost = terms.unit_cost or 0.0
    lost = ((terms.price or 0.0) - unit_cost) * found["short"]
    kept = terms.holding_cost * found["stock"]
    written_off = terms.write_off * unit_cost * found["left"]
    asked = found["asked"].where(found["asked"] > 0)
    found["cost"] = 100.0 * (lost + kept + written_off) / asked
    found["stock"] /= asked
    for name in ("short", "left"):
        found[name] *= 100.0 / asked
    found["weeks_short"] /= found["weeks"]
    return found.reset_index()


def policy_tables(found: pd.DataFrame) -> Iterator[str]:
    """Yield a table for each size of orders and policy."""
    for (size, policy), own in found.groupby(["order_size", "policy"], sort=False):
        name = f"{_POLICIES[str(policy)]} {own['target'].iloc[0]:.0%}"
        yield f"### {name}, `{_SIZES[str(size)]}`\n"
        rows = []
        for (panel, lead), one in own.groupby(["panel", "lead_weeks"], sort=False):
            by_source = {row["source"]: row for row in one.to_dict("records")}
            least = min(row["cost"] for row in by_source.values())
            cells = [_cell(by_source[source], least) for source in SOURCES]
            rows.append([panel, by_source[OURS]["titles"], lead, *cells])
        yield markdown_table(["panel", "titles", "lead", *SOURCES], rows)


def _cell(row: Mapping[Any, Any], least: float) -> str:
    cost = f"{row['cost']:.0f}"
    bold = f"**{cost}**" if cost == f"{least:.0f}" else cost
    return f"{row['short']:.1f} · {row['left']:.0f} · {row['stock']:.1f} · {bold}"


def promise_table(found: pd.DataFrame) -> str:
    """Return how often a service level was reached.

    Orders of the size `target` promise to last for their weeks, and waiting to last until a later
    order could arrive. Beside both is the share of weeks without a copy short.
    """
    rows = []
    level = found[found["policy"] == "service_level"]
    for (panel, lead), own in level.groupby(["panel", "lead_weeks"], sort=False):
        by = {(row["order_size"], row["source"]): row for row in own.to_dict("records")}
        cells = [panel, lead]
        for source in (OURS, NAIVE, SAFETY):
            one = by["target", source]
            cells += [_kept(one, "ordered"), _kept(one, "waited")]
        cells += [f"{1 - by[size, OURS]['weeks_short']:.1%}" for size in _SIZES]
        rows.append(cells)
    heads = [f"{name}: {kind}" for name in (OURS, NAIVE, SAFETY) for kind in ("orders", "waiting")]
    weeks = [f"{OURS}: weeks, {size}" for size in _SIZES]
    return markdown_table(["panel", "lead", *heads, *weeks], rows)


def _kept(row: Mapping[Any, Any], kind: str) -> str:
    return f"{row[f'{kind}_kept'] / row[kind]:.0%} of {row[kind]:.0f}" if row[kind] else ""


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
    return markdown_table(["panel", *heads, "titles and reviews"], rows)
