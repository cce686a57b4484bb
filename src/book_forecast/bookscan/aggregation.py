"""From clean rows of several files to one row per title and week."""

import numpy as np
import pandas as pd

from book_forecast.bookscan.columns import ATTRIBUTES


def add_up_deliveries(rows: pd.DataFrame) -> pd.DataFrame:
    """Add up the rows of one title and week within one delivery: its editions and channels.

    Volumes and values add up. The value of a row without one is its ASP times its volume; where
    that is unknown too, the sum is missing, because a part of it would be too small. The ASP of
    several rows is their value over their volume, or, without a value, the mean of their ASPs by
    volume; the RRP is the mean of theirs by volume. A single row keeps what it has.

    Args:
        rows: ``isbn, week, volume, value, asp, rrp`` and ``delivery``, the file's place in order.

    Returns:
        The same columns, one row per isbn, week and delivery, sorted by these.
    """
    keys = ["isbn", "week", "delivery"]
    rows = _complete_prices(rows)
    alone = ~rows.duplicated(keys, keep=False)
    parts = [rows[alone]]
    if not alone.all():
        parts.append(_add_up(rows[~alone], keys))
    return pd.concat(parts).sort_values(keys, ignore_index=True)[list(rows.columns)]


def keep_last_delivery(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep, of the deliveries of one title and week, the last.

    Args:
        rows: What `add_up_deliveries` returns.

    Returns:
        One row per isbn and week, sorted, without ``delivery``.
    """
    last = rows[~rows.duplicated(["isbn", "week"], keep="last")]
    return last.drop(columns="delivery").reset_index(drop=True)


def isbn_texts(numbers: pd.Series) -> pd.Series:
    """Write ISBNs kept as int64 as the 13 digits that they are."""
    codes, uniques = pd.factorize(numbers)
    texts = pd.array([str(number) for number in uniques], dtype="str")
    return pd.Series(texts.take(codes), index=numbers.index)


def describe_titles(attributes: pd.DataFrame, isbns: np.ndarray) -> pd.DataFrame:
    """Put together what is known about each title: of each attribute, the latest text.

    Args:
        attributes: ``isbn, week, attribute, text``; of the same week, later rows win.
        isbns: The titles, as int64.

    Returns:
        ``isbn`` (int64) and the attributes as ``str``, missing where unknown; sorted by isbn.
    """
    latest = attributes.sort_values("week", kind="stable").drop_duplicates(
        ["isbn", "attribute"], keep="last"
    )
    index = pd.Index(np.sort(isbns), name="isbn")
    texts = {
        attribute: latest[latest["attribute"] == attribute].set_index("isbn")["text"].reindex(index)
        for attribute in ATTRIBUTES
    }
    return pd.DataFrame(texts, index=index).astype("str").reset_index()


def _complete_prices(rows: pd.DataFrame) -> pd.DataFrame:
    value = rows["value"].fillna(rows["asp"] * rows["volume"])
    per_copy = rows["value"] / rows["volume"].where(rows["volume"] > 0)
    # An average of zero is no price, just as in the export.
    return rows.assign(value=value, asp=rows["asp"].fillna(per_copy.where(per_copy > 0)))


def _add_up(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    groups = [rows[key] for key in keys]
    sums = rows[["volume"]].groupby(groups).sum()
    sums["value"] = rows["value"].groupby(groups).sum(min_count=1)
    sums.loc[rows["value"].isna().groupby(groups).any(), "value"] = np.nan
    ratio = sums["value"] / sums["volume"].where(sums["volume"] > 0)
    weighted = _mean_by_volume(rows, "asp", groups)
    sums["asp"] = ratio.where(ratio > 0).fillna(weighted)
    sums["rrp"] = _mean_by_volume(rows, "rrp", groups)
    return sums.reset_index()


def _mean_by_volume(rows: pd.DataFrame, column: str, groups: list[pd.Series]) -> pd.Series:
    weights = rows["volume"].where(rows[column].notna(), 0.0)
    weighed = (rows[column] * weights).groupby(groups).sum()
    total = weights.groupby(groups).sum()
    return (weighed / total.where(total > 0)).fillna(rows[column].groupby(groups).mean())
