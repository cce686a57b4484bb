"""Tables as the decide pipeline writes them."""

import pandas as pd

from book_forecast.pipelines.decide.nodes import TYPES

LAST_WEEK = pd.Timestamp("2024-06-29")


def stock_advice(*isbns: str) -> pd.DataFrame:
    """Advice on titles that run out one after the other, the last one not within sight."""
    rows = [
        {
            "isbn": isbn,
            "product_class": "F Adult Fiction",
            "release": "2024-07-01T05.00.00-abcdef01",
            "last_week": LAST_WEEK,
            "on_hand": 100.0 * number,
            "on_order": 0.0,
            "lead_weeks": 4,
            "demand": 80.0,
            "chance_to_run_out": 1.0 - number / len(isbns),
            "run_out_week": LAST_WEEK + pd.Timedelta(weeks=number + 1),
            "cover_weeks": number,
            "target": 0.95,
            "order": 1300 if number == 0 else 0,
            "reason": "Order 1300: without it the stock lasts 5 weeks with 0 % only.",
            "lo-80": 60.0,
            "hi-80": 1234.0,
        }
        for number, isbn in enumerate(isbns)
    ]
    frame = pd.DataFrame(rows, columns=[*TYPES, "lo-80", "hi-80"])
    frame.loc[frame.index == len(isbns) - 1, "run_out_week"] = pd.NaT
    return frame.astype(TYPES)


def rejected_stock(*values: str) -> pd.DataFrame:
    """A rejected row for each value."""
    rows = [("stock/a.csv", 2 + n, "isbn", value, "not an ISBN") for n, value in enumerate(values)]
    return pd.DataFrame(rows, columns=["file", "row", "column", "value", "reason"])
