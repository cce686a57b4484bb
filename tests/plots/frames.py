"""Small frames as the pipelines write them."""

from typing import Any

import numpy as np
import pandas as pd

LEVELS = [80, 95]
FIRST_WEEK = pd.Timestamp("2020-01-04")
WEEK = pd.Timedelta(weeks=1)


def weeks_from(first, count):
    return pd.date_range(first, periods=count, freq="W-SAT", unit="us")


def make_history(isbn="9780000000001", weeks=250, volume=100.0):
    """Sales that rise by one copy a week."""
    volumes = volume + np.arange(weeks, dtype=float)
    return pd.DataFrame(
        {"isbn": isbn, "week": weeks_from(FIRST_WEEK, weeks), "volume": volumes}
    ).astype({"isbn": "str"})


def make_forecast(model, first, isbn="9780000000001", weeks=8, mean=200.0):
    """Bounds 10 and 20 copies around a mean that rises by one copy a week."""
    means = mean + np.arange(weeks)
    frame = pd.DataFrame(
        {
            "isbn": isbn,
            "week": weeks_from(first, weeks),
            "cutoff": first - WEEK,
            "model": model,
            "mean": means,
            "lo-80": means - 10,
            "hi-80": means + 10,
            "lo-95": means - 20,
            "hi-95": means + 20,
        }
    )
    return frame.astype({"isbn": "str", "model": "str"})


def make_titles(*isbns):
    """Names of titles, "Book 1" and so on."""
    names = [f"Book {i + 1}" for i in range(len(isbns))]
    return pd.DataFrame({"isbn": isbns, "title": names}).astype({"isbn": "str", "title": "str"})


def make_models(*isbns, model="sarima", reason=None):
    """Chosen models of titles."""
    rows = {"isbn": isbns, "model": model, "specification": "(1,0,0)", "fallback_reason": reason}
    return pd.DataFrame(rows).astype({"isbn": "str", "model": "str"})


def make_explanation(members, parts, isbn="9780000000001", first=FIRST_WEEK):
    """Explanation of an ensemble's forecast.

    Args:
        members: Name to (weight, copies by week).
        parts: Name to factors by week.
        isbn: The title.
        first: First week ahead.
    """
    rows = [("member", name, *member) for name, member in members.items()]
    rows += [("part", name, np.nan, factors) for name, factors in parts.items()]
    frames = [
        pd.DataFrame(
            {
                "isbn": isbn,
                "week": weeks_from(first, len(values)),
                "kind": kind,
                "name": name,
                "value": np.asarray(values, dtype=float),
                "weight": weight,
            }
        )
        for kind, name, weight, values in rows
    ]
    return pd.concat(frames, ignore_index=True).astype(
        dict.fromkeys(("isbn", "kind", "name"), "str")
    )


def traces_by_name(figure):
    """The traces of a figure, each under its name; those of one name in a list."""
    found: dict[str | None, list[Any]] = {}
    for trace in figure.data:
        found.setdefault(trace.name, []).append(trace)
    return found


def texts(figure):
    """All texts of a figure outside of its traces."""
    return " ".join([figure.layout.title.text, *(a.text for a in figure.layout.annotations)])
