"""Recorded forecasts beside the sales that followed: a figure, and a page with the newest state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from book_forecast.monitoring.summaries import NEAREST
from book_forecast.plots.pages import page
from book_forecast.plots.style import (
    BAD,
    FAINT,
    GOOD,
    HEADLINE_ON_TOP,
    SALES,
    TEMPLATE,
    WARNING,
    title_or_isbn,
    titled,
)

MOST_SHIFTED = 30
_STATES = {
    "ok": "As usual",
    "new": "No recorded forecast has met sales yet",
    "degraded": "Something wants a look",
    "broken": "The newest delivery must not be used",
}
_COLOURS = {"ok": GOOD, "new": FAINT, "degraded": WARNING, "warning": WARNING, "broken": BAD}
_STYLE = """
main { max-width: 1100px; margin: 0 auto; }
table { border-collapse: collapse; margin: 8px 0 24px; font-size: 13px; }
th, td { text-align: left; padding: 3px 14px 3px 0; border-bottom: 1px solid #ddd; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wide { overflow-x: auto; }
.state { font-size: 18px; font-weight: 600; }
"""
_BY = {
    "all": "All titles, 1 to 4 weeks ahead",
    "horizon": "All titles, by weeks ahead",
    "release": "Release",
    "product_class": "Product class",
}


def monitor_figure(monitor_weeks: pd.DataFrame) -> go.Figure:
    """Draw errors, bias and coverage by week, below each other.

    Args:
        monitor_weeks: week, horizon, wape, naive_wape, bias, coverage-L.
    """
    weeks = monitor_weeks[monitor_weeks["horizon"] == NEAREST].sort_values("week")
    levels = [name for name in monitor_weeks.columns if name.startswith("coverage-")]
    headings = ("Error, share of the copies sold", "Bias, share of the copies sold")
    figure = make_subplots(
        rows=3,
        shared_xaxes=True,
        subplot_titles=(*headings, "Share of weeks inside the intervals"),
        vertical_spacing=0.09,
    )
    curves = [
        ("wape", "Forecasts, 1 to 4 weeks ahead", GOOD, 1),
        ("naive_wape", "Same week a year before", SALES, 1),
        ("bias", "Bias", GOOD, 2),
        *((name, f"{name.removeprefix('coverage-')} % interval", GOOD, 3) for name in levels),
    ]
    for name, label, colour, row in curves:
        trace = go.Scatter(
            x=weeks["week"],
            y=weeks[name],
            name=label,
            mode="lines+markers",
            line={"color": colour, "dash": "dot" if name == "naive_wape" else "solid"},
            showlegend=row == 1,
            hovertemplate="%{x|%d %b %Y}: %{y:.1%}<extra>" + label + "</extra>",
        )
        figure.add_trace(trace, row, 1)
    for name in levels:
        nominal = float(name.removeprefix("coverage-")) / 100
        figure.add_hline(nominal, line={"color": FAINT, "dash": "dash"}, row=3, col=1)
    figure.update_yaxes(tickformat=".0%", row=1, rangemode="tozero")
    figure.update_yaxes(tickformat="+.0%", row=2)
    figure.update_yaxes(tickformat=".0%", row=3, range=[0, 1.05])
    # The headings of the panels stand at the left, below the headline.
    figure.update_annotations(x=0, xanchor="left", font={"size": 13, "color": FAINT})
    note = "no recorded forecast has met sales yet"
    if len(weeks):
        first, last = weeks["week"].iloc[0], weeks["week"].iloc[-1]
        note = f"1 to 4 weeks ahead; weeks to {first:%d %b %Y} to {last:%d %b %Y}"
    heading = HEADLINE_ON_TOP | titled("Forecasts of late", note)
    figure.update_layout(template=TEMPLATE, title=heading, margin={"t": 110})
    return figure


def monitor_page(
    monitor_status: Mapping[str, Any],
    monitor_scores: pd.DataFrame,
    title_shifts: pd.DataFrame,
    delivery_checks: pd.DataFrame,
    arm_test: Mapping[str, Any],
    arm_scores: pd.DataFrame,
    titles: pd.DataFrame | None,
) -> str:
    """Return the page of the newest state.

    Args:
        monitor_status: state, problems, releases.
        monitor_scores: by, name, wape, naive_wape, bias, tracking_signal, coverage-L.
        title_shifts: isbn, sold, expected, change, p_value, shifted.
        delivery_checks: name, state, message.
        arm_test: test, verdict, message: the state of the test of a challenger.
        arm_scores: arm, release, titles, answers, n, wape, bias: what was served.
        titles: isbn, title; None where they are not known.
    """
    state = monitor_status["state"]
    problems = "".join(f"<li>{escape(text)}</li>" for text in monitor_status["problems"])
    shifted = _shifted(title_shifts, titles)
    body = [
        "<main>",
        '<nav><a href="index.html">All pages</a></nav>',
        "<h1>Forecasts and deliveries of late</h1>",
        f'<p class="state" style="color: {_COLOURS[state]}">{_STATES[state]}</p>',
        f"<ul>{problems}</ul>" if problems else "",
        "<h2>The newest delivery</h2>",
        _table(
            ["Check", "State", "Found"],
            [[row.name, row.state, row.message] for row in delivery_checks.itertuples(index=False)],
            n_texts=3,
        ),
        "<h2>Forecasts beside what sold</h2>",
        _scores(monitor_scores),
        _arms(arm_test, arm_scores),
        "<h2>Titles whose sales have shifted</h2>",
        _table(
            ["Title", "ISBN", "Sold", "Expected", "Change"],
            [
                [
                    *(row.name, row.isbn),
                    *(f"{row.sold:,.0f}", f"{row.expected:,.0f}", f"{row.change:+.0%}"),
                ]
                for row in shifted.itertuples(index=False)
            ],
            n_texts=2,
        )
        if len(shifted)
        else "<p>None beyond what chance allows.</p>",
        "</main>",
    ]
    return page("Forecasts and deliveries of late", "\n".join(body), _STYLE)


def _shifted(shifts: pd.DataFrame, titles: pd.DataFrame | None) -> pd.DataFrame:
    """Return the titles that have shifted, with their names; the least likely come first."""
    found = shifts[shifts["shifted"]].head(MOST_SHIFTED)
    names = {} if titles is None else titles.set_index("isbn")["title"].to_dict()
    texts = [title_or_isbn(names.get(isbn), isbn) for isbn in found["isbn"]]
    return found.assign(name=pd.Series(texts, index=found.index, dtype="object"))


def _scores(scores: pd.DataFrame) -> str:
    rows = []
    levels = [name for name in scores.columns if name.startswith("coverage-")]
    for by, label in _BY.items():
        for row in scores[scores["by"] == by].to_dict("records"):
            name = label if by == "all" else f"{label}: {row['name'] or 'none'}"
            numbers = [row["wape"], row["naive_wape"], row["bias"], *(row[n] for n in levels)]
            shares = ["-" if pd.isna(value) else f"{value:.0%}" for value in numbers]
            signal = row["tracking_signal"]
            rows.append(
                [name, f"{row['titles']:,}", *shares, "-" if pd.isna(signal) else f"{signal:+.1f}"]
            )
    if not rows:
        return "<p>No recorded forecast has met sales yet: the next deliveries score them.</p>"
    inside = [f"Inside {name.removeprefix('coverage-')} %" for name in levels]
    heads = ["", "Titles", "Error", "Of the same week a year before", "Bias", *inside]
    return _table([*heads, "Tracking signal"], rows)


def _arms(test: Mapping[str, Any], served: pd.DataFrame) -> str:
    """Return the section of champion and challenger; empty where there was never one."""
    if test["test"] is None and set(served["arm"]) <= {"champion"}:
        return ""
    colour = {"win": GOOD, "lose": BAD}.get(test["verdict"], FAINT)
    state = f'<p style="color: {colour}">{escape(test["message"])}</p>'
    rows = [
        [
            *(row["arm"], row["release"], f"{row['titles']:,}", f"{row['answers']:,}"),
            *("-" if pd.isna(row[name]) else f"{row[name]:.0%}" for name in ("wape", "bias")),
        ]
        for row in served.to_dict("records")
    ]
    heads = ["Arm", "Release", "Titles", "Answers", "Error", "Bias"]
    table = _table(heads, rows, n_texts=2) if rows else "<p>No answers were logged.</p>"
    return f"<h2>Champion and challenger</h2>{state}<h3>What was served</h3>{table}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]], n_texts: int = 1) -> str:
    """Return a table; the first columns are texts, the others numbers."""

    def cells(values: Sequence[Any], tag: str) -> str:
        return "".join(
            f"<{tag}{'' if at < n_texts else ' class=number'}>{escape(str(value))}</{tag}>"
            for at, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{cells(heads, "th")}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
