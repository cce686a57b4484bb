"""M4's weekly series and Dominick's canned tuna as exports."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from book_forecast.bookscan.isbn_text import check_digit_13

M4_HORIZON, TUNA_HORIZON, TUNA_ORIGINS = 13, 13, 8
M4_ABOUT = "Weekly series of the M4 competition; all are laid out so that they end in one week."
TUNA_ABOUT = "Dominick's canned tuna: prices and displays are known ahead, 60 weeks are missing."
QUICK_STEP = 30

_LAST_WEEK = pd.Timestamp("2024-09-28")
_PRODUCTS = range(1, 8)
_REGRESSORS = {"shelf_price": "LPRICE", "display": "NSALE"}


def isbn_of(number: int) -> str:
    """Return a made-up ISBN-13 for a series."""
    body = f"97912998{number:04d}"
    return f"{body}{check_digit_13(body)}"


def write_m4(folder: Path, root: Path, *, quick: bool = False) -> None:
    """Write training and test weeks of all series as one export.

    Args:
        folder: Has `train.csv.gz` and `test.csv.gz`: series_id, t, value.
        root: The data root.
        quick: Whether to take few series.
    """
    parts = [pd.read_csv(folder / f"{name}.csv.gz") for name in ("train", "test")]
    frame = pd.concat([part.assign(part=k) for k, part in enumerate(parts)], ignore_index=True)
    frame = frame.sort_values(["series_id", "part", "t"], kind="stable")
    names = frame["series_id"].drop_duplicates()
    if quick:
        names = names.iloc[::QUICK_STEP]
    isbns = {name: isbn_of(int(str(name).lstrip("W"))) for name in names}
    frame = frame[frame["series_id"].isin(isbns)]
    # Weeks before the end.
    left = frame.groupby("series_id").cumcount(ascending=False)
    _write_sales(
        pd.DataFrame(
            {
                "ISBN": frame["series_id"].map(isbns),
                "Title": frame["series_id"],
                "End Date": _LAST_WEEK - pd.to_timedelta(7 * left, unit="D"),
                "Volume": frame["value"],
            }
        ),
        root,
    )


def write_tuna(file: Path, root: Path) -> None:
    """Write sales, prices and displays of seven products as an export and its regressors.

    Args:
        file: WEEK, and MOVE1, LPRICE1, NSALE1 to 7.
        root: The data root.
    """
    table = pd.read_csv(file).set_index("WEEK")
    weeks = _LAST_WEEK - pd.to_timedelta(7 * (table.index.max() - table.index), unit="D")
    sales, regressors = [], []
    for product in _PRODUCTS:
        isbn = isbn_of(product)
        volume = table[f"MOVE{product}"].to_numpy()
        sales.append(
            pd.DataFrame(
                {"ISBN": isbn, "Title": f"Tuna {product}", "End Date": weeks, "Volume": volume}
            )
        )
        for name, column in _REGRESSORS.items():
            value = table[f"{column}{product}"].ffill().bfill().to_numpy()
            regressors.append(
                pd.DataFrame({"isbn": isbn, "week": weeks, "name": name, "value": value})
            )
    _write_sales(pd.concat(sales), root)
    target = root / "01_raw/regressors/tuna.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(regressors).to_csv(target, index=False, date_format="%Y-%m-%d")


def _write_sales(frame: pd.DataFrame, root: Path) -> None:
    target = root / "01_raw/sales/panel.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    sold = frame[frame["Volume"] > 0]
    sold.to_csv(target, index=False, date_format="%Y-%m-%d")
