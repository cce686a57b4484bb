"""Launches of a panel from 0, 4 and 13 weeks of sales, beside the mean launch curve of the class.

    python -m benchmarks.launches DATA_ROOT [DATA_ROOT …] [--horizon 13]

A data root is one that `ingest` has been run on. The accuracy benchmark puts the same table on its
page.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from book_forecast.options.groups import BacktestOptions, SelectionOptions
from book_forecast.pipelines.evaluate.launches import score_launches
from book_forecast.pipelines.preprocess.nodes import (
    build_launch_weeks,
    find_missing_weeks,
    limit_weeks,
)
from book_forecast.series.history import ALL_TITLES

_HORIZON = 13
_COLUMNS = (
    "| panel | launches | own weeks | WAPE | mean curve's | ratio | inside 80 % | inside 95 % |"
)


def score_root(root: Path, horizon: int) -> pd.DataFrame:
    """Score the launches of a data root, each left out in turn; see `score_launches`."""
    weekly_sales, titles = (
        pd.read_parquet(root / "03_primary" / f"{name}.parquet")
        for name in ("weekly_sales", "titles")
    )
    selection, split_size = SelectionOptions(), BacktestOptions().split_size
    sales = limit_weeks(weekly_sales, selection)
    missing = find_missing_weeks(sales, selection, split_size)
    weeks = build_launch_weeks(sales, missing, split_size)
    return score_launches(weeks, weeks, titles, None, horizon)


def section(scores: Mapping[str, pd.DataFrame]) -> str:
    """Return the scores of several panels as a table in Markdown.

    Args:
        scores: By panel, as `score_launches` returns them; those without launches have no row.
    """
    lines = [_COLUMNS, "|---|" + "---:|" * (_COLUMNS.count("|") - 2)]
    for name, table in scores.items():
        for row in table[table["product_class"] == ALL_TITLES].to_dict("records"):
            figures = [row[c] for c in ("wape", "baseline_wape", "ratio")]
            figures += [row["coverage-80"], row["coverage-95"]]
            cells = [name, str(row["launches"]), str(row["known"])]
            cells += ["-" if pd.isna(figure) else f"{figure:.2f}" for figure in figures]
            lines.append(f"| {' | '.join(cells)} |")
    head = (
        "## Launches\n\n"
        "Each launch of a panel is left out in turn, and forecast from 0, 4 and 13 weeks of its "
        "sales. The rival is the mean launch curve of its class.\n\n"
    )
    return head + "\n".join(lines) + "\n"


def main() -> None:
    """Score the panels of the command line, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("roots", nargs="+", type=Path)
    parser.add_argument("--horizon", type=int, default=_HORIZON)
    options = parser.parse_args()
    print(section({root.name: score_root(root, options.horizon) for root in options.roots}))


if __name__ == "__main__":
    main()
