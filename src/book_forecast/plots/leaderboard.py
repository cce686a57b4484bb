"""All families beside their ensemble: on the folds they were weighed by, and on the test weeks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from book_forecast.backtesting.metrics import error_ratios
from book_forecast.plots.style import (
    ENSEMBLE,
    FAINT,
    GRID,
    SHADE,
    TEMPLATE,
    model_colour,
    model_label,
    titled,
)
from book_forecast.series.history import ALL_TITLES

# Errors so many times the ensemble's are drawn here: one wild family would press all others into a
# corner.
FARTHEST = 3.0
_ROW = 34  # pixels
_COLUMNS = {"weight": (1.09, "mean weight"), "wape": (1.2, "WAPE, test")}
_HOVER = "%{customdata[0]}: %{customdata[1]:.1%} of the ensemble's error<extra></extra>"


def leaderboard_figure(leaderboard: pd.DataFrame, test_scores: pd.DataFrame) -> go.Figure:
    """Draw each family's error over all titles as a share of the ensemble's.

    A family that some titles could not be fitted with is compared over the others.

    Args:
        leaderboard: isbn, family, mae, weight: errors on the folds, per title and (isbn "all") over
            all titles.
        test_scores: isbn, model, metric, value: errors on the test weeks.
    """
    rows = _rows(leaderboard, test_scores)
    heading = "Each family beside the ensemble"
    if rows.empty or not rows["folds"].notna().any():
        note = "no title has an ensemble, so there is nothing to compare"
        return go.Figure(layout={"template": TEMPLATE, "title": titled(heading, note)})
    notes = (
        "Mean absolute error over all titles, as a share of the ensemble's (to the right is worse)",
        _rank(rows["folds"], "On the folds"),
        _rank(rows["test"], "On the test weeks"),
    )
    layout = _layout(rows) | {"title": titled(heading, *notes)}
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
            "weight": over_all["weight"],
            "wape": wape[wape["isbn"] == ALL_TITLES].set_index("model")["value"],
        },
        index=over_all.index,
    )
    return rows.sort_values(["folds", "test"], ascending=False, na_position="first", kind="stable")


def _ratios(errors: pd.DataFrame) -> pd.Series:
    """Errors over all titles as shares of the ensemble's, by model."""
    titles = errors[errors["isbn"] != ALL_TITLES]
    wide = titles.pivot_table(index="isbn", columns="model", values="value")
    if ENSEMBLE not in wide:
        return pd.Series(dtype="float64")
    return error_ratios(wide, wide[ENSEMBLE])


def _rank(ratios: pd.Series, where: str) -> str:
    """The ensemble's place and the best single family, or nothing if there is none."""
    single = ratios.drop(ENSEMBLE).dropna()
    if single.empty:
        return ""
    rank = 1 + int((single < 1.0).sum())
    best = f"{model_label(str(single.idxmin()))}, {single.min():.1%} of its error"
    return f"{where} the ensemble is number {rank} of {len(single) + 1} (best family: {best})"


def _traces(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """A line a family from the folds' error to the test weeks', and what the markers are."""
    ends = rows[["folds", "test"]].clip(upper=FARTHEST)
    drawn = {"type": "scatter", "hovertemplate": _HOVER, "showlegend": False, "mode": "markers"}
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [x for pair in ends.to_numpy().round(4).tolist() for x in (*pair, None)],
            "y": [family for family in rows.index for _ in range(3)],
            "line": {"color": "#C4C9D1", "width": 3},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]
    for column, name, symbol in (
        ("folds", "on the folds, which weights were chosen by", "circle-open"),
        ("test", "on the test weeks, which nothing was chosen by", "circle"),
    ):
        beyond = rows[column] > FARTHEST
        symbols = np.where(beyond, f"triangle-right{symbol.removeprefix('circle')}", symbol)
        colours = [model_colour(str(family)) for family in rows.index]
        marker = {"symbol": symbols.tolist(), "color": colours, "size": 12, "line": {"width": 2.5}}
        if column == "test":
            marker["line"] = {"width": 0}
        said = zip(map(model_label, rows.index.astype(str)), rows[column].round(4), strict=True)
        traces.append(
            drawn
            | {
                "x": ends[column].round(4).tolist(),
                "y": rows.index.to_list(),
                "name": column,
                "marker": marker,
                "customdata": [list(pair) for pair in said],
                "cliponaxis": False,
            }
        )
        # The families' own markers have a colour each, so that none can stand for all.
        key = {"symbol": symbol, "color": FAINT, "size": 11, "line": {"width": 2}}
        traces.append({"type": "scatter", "mode": "markers", "x": [None], "y": [rows.index[0]]})
        traces[-1] |= {"name": name, "marker": key, "hoverinfo": "skip"}
    return traces


def _layout(rows: pd.DataFrame) -> dict[str, Any]:
    families = rows.index.to_list()
    ends = rows[["folds", "test"]].clip(upper=FARTHEST).to_numpy()
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    pad = 0.06 * max(high - low, 0.1)
    labels = [_emphasised(model_label(str(f)), str(f)) for f in families]
    height = _ROW * max(len(families), 4)
    place = families.index(ENSEMBLE)
    return {
        "template": TEMPLATE,
        "height": height + 250,
        "margin": {"t": 150, "r": 200},
        "xaxis": {
            "tickformat": ".0%",
            "range": [low - pad, high + pad],
            "title": "error as a share of the ensemble's",
        },
        "yaxis": {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": families,
            "tickmode": "array",
            "tickvals": families,
            "ticktext": labels,
            "gridcolor": "rgba(0, 0, 0, 0)",
            "range": [-0.6, len(families) - 0.4],
        },
        "legend": {"y": -64 / height},
        "hovermode": "closest",
        "shapes": [
            {
                "type": "rect",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": place - 0.45,
                "y1": place + 0.45,
                "fillcolor": SHADE,
                "line": {"width": 0},
                "layer": "below",
            },
            {
                "type": "line",
                "x0": 1,
                "x1": 1,
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"color": model_colour(ENSEMBLE), "width": 1.5, "dash": "dot"},
                "layer": "below",
            },
            *({**_SEPARATOR, "y0": row + 0.5, "y1": row + 0.5} for row in range(len(families) - 1)),
        ],
        "annotations": _columns(rows),
    }


_SEPARATOR = {
    "type": "line",
    "xref": "paper",
    "x0": 0,
    "x1": 1,
    "line": {"color": GRID, "width": 1},
    "layer": "below",
}


def _columns(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Weights and errors as text to the right of the rows."""
    text = {"xref": "paper", "xanchor": "right", "showarrow": False}
    small = {"size": 12, "color": FAINT}
    found = [
        text | {"x": x, "y": 1, "yref": "paper", "yanchor": "bottom", "text": name, "font": small}
        for x, name in _COLUMNS.values()
    ]
    for family, row in rows.iterrows():
        shown = {
            "weight": "" if family == ENSEMBLE else f"{row['weight']:.0%}",
            "wape": f"{row['wape']:.1%}" if np.isfinite(row["wape"]) else "",
        }
        found += [
            text | {"x": x, "y": family, "text": _emphasised(shown[name], str(family))}
            for name, (x, _) in _COLUMNS.items()
        ]
    return found


def _emphasised(text: str, family: str) -> str:
    return f"<b>{text}</b>" if family == ENSEMBLE else text
