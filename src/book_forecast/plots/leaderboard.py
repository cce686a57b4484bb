"""Errors of all families relative to the ensemble's, on the folds and on the test weeks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from book_forecast.backtesting.metrics import error_ratios
from book_forecast.plots.style import (
    ENSEMBLE,
    FAINT,
    GRID,
    HEADLINE_ON_TOP,
    SHADE,
    TEMPLATE,
    annotation,
    category_axis,
    model_colour,
    model_label,
    titled,
)
from book_forecast.plots.traces import connectors, legend_key, markers
from book_forecast.series.history import ALL_TITLES

# Larger ratios are drawn here: one wild family must not press all others into a corner.
MAX_RATIO = 3.0
_ROW, _NOTE = 34, 24  # pixels
_COLUMNS = {"weight": (1.09, "mean weight"), "wape": (1.2, "WAPE, test")}
_HOVER = "%{customdata[0]}: %{customdata[1]:.1%} of the ensemble's error<extra></extra>"


def leaderboard_figure(leaderboard: pd.DataFrame, test_scores: pd.DataFrame) -> go.Figure:
    """Draw each family's error over all titles as a share of the ensemble's.

    A family without a model for some titles is compared over the others, and named with their
    number. One without a model for any title has no row; the title names it.

    Args:
        leaderboard: isbn, family, mae, weight, left_out: errors on the folds, per title and (isbn
            "all") over all titles.
        test_scores: isbn, model, metric, value: errors on the test weeks.
    """
    rows = _rows(leaderboard, test_scores)
    heading = "Each family beside the ensemble"
    if rows.empty or not rows["folds"].notna().any():
        note = "no title has an ensemble, so there is nothing to compare"
        return go.Figure(layout={"template": TEMPLATE, "title": titled(heading, note)})
    absent = rows.index[rows[["folds", "test"]].isna().all(axis=1)]
    rows = rows.drop(absent)
    notes = [
        "Mean absolute error over all titles, as a share of the ensemble's (to the right is worse)",
        _rank(rows["folds"], "On the folds"),
        _rank(rows["test"], "On the test weeks"),
        *(absences := _absences([str(family) for family in absent], leaderboard)),
    ]
    layout = _layout(rows) | {"title": HEADLINE_ON_TOP | titled(heading, *notes)}
    layout["margin"]["t"] += _NOTE * len(absences)
    layout["height"] += _NOTE * len(absences)
    return go.Figure(_traces(rows), layout)


def _rows(leaderboard: pd.DataFrame, test_scores: pd.DataFrame) -> pd.DataFrame:
    """By family, the worst on the folds first: folds, test, weight, wape."""
    over_all = leaderboard[leaderboard["isbn"] == ALL_TITLES].set_index("family")
    of_metric = test_scores.set_index("metric")[["isbn", "model", "value"]]
    wape = of_metric[of_metric.index == "wape"]
    rows = pd.DataFrame(
        {
            "folds": _ratios(leaderboard.rename(columns={"family": "model", "mae": "value"})),
            "test": _ratios(of_metric[of_metric.index == "mae"]),
            "titles": _titles(leaderboard, of_metric),
            "weight": over_all["weight"],
            "wape": wape[wape["isbn"] == ALL_TITLES].set_index("model")["value"],
        },
        index=over_all.index,
    )
    return rows.sort_values(["folds", "test"], ascending=False, na_position="first", kind="stable")


def _titles(leaderboard: pd.DataFrame, of_metric: pd.DataFrame) -> pd.Series:
    """Return the number of titles with an error by family, on the test weeks if there are any."""
    tests = of_metric[(of_metric.index == "mae") & (of_metric["isbn"] != ALL_TITLES)]
    known = leaderboard[leaderboard["mae"].notna() & (leaderboard["isbn"] != ALL_TITLES)]
    tested = tests.dropna(subset=["value"]).groupby("model")["isbn"].nunique()
    return tested.combine_first(known.groupby("family")["isbn"].nunique())


def _ratios(errors: pd.DataFrame) -> pd.Series:
    """Errors over all titles as shares of the ensemble's, by model."""
    titles = errors[errors["isbn"] != ALL_TITLES]
    wide = titles.pivot_table(index="isbn", columns="model", values="value")
    if ENSEMBLE not in wide:
        return pd.Series(dtype="float64")
    return error_ratios(wide, wide[ENSEMBLE])


def _rank(ratios: pd.Series, where: str) -> str:
    """The ensemble's rank and the best single family; empty without a single family."""
    single = ratios.drop(ENSEMBLE).dropna()
    if single.empty:
        return ""
    rank = 1 + int((single < 1.0).sum())
    best = f"{model_label(str(single.idxmin()))}, {single.min():.1%} of its error"
    return f"{where} the ensemble is number {rank} of {len(single) + 1} (best family: {best})"


def _absences(families: Sequence[str], leaderboard: pd.DataFrame) -> list[str]:
    """Name families without a forecast, and the reason over all titles in a line below."""
    over_all = leaderboard[leaderboard["isbn"] == ALL_TITLES].set_index("family")["left_out"]
    reasons = over_all.reindex([*families]).fillna("they have failed")
    return [
        line
        for reason, same in reasons.groupby(reasons, sort=False)
        for line in (
            f"Not compared: {', '.join(map(model_label, same.index.astype(str)))}",
            f"({reason})",
        )
    ]


def _labels(rows: pd.DataFrame) -> list[str]:
    """Return the names of the rows, with the number of titles where these are not all."""
    most = int(rows["titles"].max())
    return [
        model_label(str(family)) + (f" ({titles:.0f} of {most} titles)" if titles < most else "")
        for family, titles in rows["titles"].items()
    ]


def _traces(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """A line per family from the folds' error to the test weeks', and the legend."""
    families = rows.index.to_list()
    ends = rows[["folds", "test"]].clip(upper=MAX_RATIO)
    traces = [connectors(families, ends["folds"], ends["test"])]
    for column, name, symbol, border in (
        ("folds", "on the folds that weights are fitted on", "circle-open", 2.5),
        ("test", "on the test weeks, which decide nothing", "circle", 0),
    ):
        beyond = rows[column] > MAX_RATIO
        symbols = np.where(beyond, f"triangle-right{symbol.removeprefix('circle')}", symbol)
        marker = {
            "symbol": symbols.tolist(),
            "color": [model_colour(family) for family in families],
            "size": 12,
            "line": {"width": border},
        }
        details = zip(map(model_label, families), rows[column].round(4), strict=True)
        traces.append(
            markers(
                ends[column].round(4).tolist(),
                families,
                name=column,
                marker=marker,
                customdata=[list(pair) for pair in details],
                hovertemplate=_HOVER,
                showlegend=False,
                cliponaxis=False,
            )
        )
        # Markers have the families' colours: the legend shows the symbol in grey.
        grey = {"symbol": symbol, "color": FAINT, "size": 11, "line": {"width": 2}}
        traces.append(legend_key(None, name, y=families[0], marker=grey))
    return traces


def _layout(rows: pd.DataFrame) -> dict[str, Any]:
    families = rows.index.to_list()
    ends = rows[["folds", "test"]].clip(upper=MAX_RATIO).to_numpy()
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    pad = 0.06 * max(high - low, 0.1)
    height = _ROW * max(len(families), 4)
    ensemble = families.index(ENSEMBLE)
    row = {"xref": "paper", "x0": 0, "x1": 1, "layer": "below"}
    highlight = {"type": "rect", "y0": ensemble - 0.45, "y1": ensemble + 0.45, "fillcolor": SHADE}
    reference = {"type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1}
    dotted = {"color": model_colour(ENSEMBLE), "width": 1.5, "dash": "dot"}
    separators = (
        {"type": "line", "y0": above, "y1": above, "line": {"color": GRID, "width": 1}}
        for above in np.arange(len(families) - 1) + 0.5
    )
    return {
        "template": TEMPLATE,
        "height": height + 250,
        "margin": {"t": 150, "r": 200},
        "xaxis": {
            "tickformat": ".0%",
            "range": [low - pad, high + pad],
            "title": "error as a share of the ensemble's",
        },
        "yaxis": category_axis(families, [*map(_emphasised, _labels(rows), families)])
        | {"gridcolor": "rgba(0, 0, 0, 0)", "range": [-0.6, len(families) - 0.4]},
        "legend": {"y": -64 / height},
        "hovermode": "closest",
        "shapes": [
            row | highlight | {"line": {"width": 0}},
            reference | {"line": dotted, "layer": "below"},
            *(row | separator for separator in separators),
        ],
        "annotations": _column_texts(rows),
    }


def _column_texts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Weights and errors to the right of the rows."""
    right: dict[str, Any] = {"xref": "paper", "xanchor": "right"}
    above = right | {"yref": "paper", "yanchor": "bottom"}
    texts = [annotation(x, 1, name, 12, **above) for x, name in _COLUMNS.values()]
    for family, row in rows.iterrows():
        shown = {
            "weight": "" if family == ENSEMBLE else f"{row['weight']:.0%}",
            "wape": f"{row['wape']:.1%}" if np.isfinite(row["wape"]) else "",
        }
        texts += [
            annotation(x, family, _emphasised(shown[name], str(family)), font={}, **right)
            for name, (x, _) in _COLUMNS.items()
        ]
    return texts


def _emphasised(text: str, family: str) -> str:
    return f"<b>{text}</b>" if family == ENSEMBLE else text
