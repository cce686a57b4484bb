"""From clean rows of several files to one row per title and week."""

import numpy as np
import pandas as pd

from book_forecast.bookscan.columns import ATTRIBUTES

_WEEK = np.timedelta64(7, "D")


def aggregate_rows(rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Make one row per title and week: rows of a delivery add up, the last delivery replaces.

    Several rows of one delivery are editions or channels. Their volumes and values add up. The
    value of a row without one is its ASP times its volume; if that is unknown too, the sum is
    missing, because a part of it would be too small. The ASP of several rows is their value over
    their volume or, without a value, the mean of their ASPs by volume. The RRP is the mean of
    theirs by volume. The prices of a single row do not change.

    Args:
        rows: ``isbn, week, volume, value, asp, rrp`` and ``delivery``, the number of the file.

    Returns:
        ``isbn, week, volume, value, asp, rrp``, sorted by isbn and week; and the number of
        title-weeks of earlier deliveries that later ones replace.
    """
    isbn_codes, _ = pd.factorize(rows["isbn"], sort=True)
    weeks = (rows["week"] - rows["week"].min()).to_numpy() // _WEEK
    title_week = isbn_codes * (weeks.max() + 1) + weeks
    delivery = rows["delivery"].to_numpy()
    order = np.lexsort((delivery, title_week))
    title_week, delivery = title_week[order], delivery[order]
    is_first = np.diff(title_week, prepend=-1) != 0
    group = np.cumsum(is_first) - 1
    is_last = np.diff(title_week, append=-1) != 0
    is_used = delivery == delivery[is_last][group]
    delivered = np.count_nonzero(is_first | (np.diff(delivery, prepend=-1) != 0))
    used = _complete_prices(rows.drop(columns="delivery").iloc[order[is_used]])
    return _add_up(used, group[is_used]), int(delivered - np.count_nonzero(is_first))


def describe_titles(attributes: pd.DataFrame, isbns: pd.Series) -> pd.DataFrame:
    """Take the latest text of each attribute of each title.

    Args:
        attributes: ``isbn, week, attribute, text``; of the same week, later rows win.
        isbns: The titles, each once or more.

    Returns:
        ``isbn`` and the attributes as ``str``, missing where unknown; sorted by isbn.
    """
    latest = attributes.sort_values("week", kind="stable").drop_duplicates(
        ["isbn", "attribute"], keep="last"
    )
    index = pd.Index(np.sort(isbns.unique()), name="isbn", dtype="str")
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


def _add_up(rows: pd.DataFrame, title_week: np.ndarray) -> pd.DataFrame:
    """Add up rows, sorted by the number of their title and week, that have the same number."""
    is_first = np.diff(title_week, prepend=-1) != 0
    if is_first.all():
        return rows.reset_index(drop=True)
    weekly = rows[is_first].reset_index(drop=True)
    repeated = np.bincount(title_week)[title_week] > 1
    rows, groups = rows[repeated], title_week[repeated]
    sums = rows[["volume"]].groupby(groups).sum()
    sums["value"] = rows["value"].groupby(groups).sum(min_count=1)
    sums.loc[rows["value"].isna().groupby(groups).any(), "value"] = np.nan
    ratio = sums["value"] / sums["volume"].where(sums["volume"] > 0)
    sums["asp"] = ratio.where(ratio > 0).fillna(_mean_by_volume(rows, "asp", groups))
    sums["rrp"] = _mean_by_volume(rows, "rrp", groups)
    weekly.loc[sums.index, list(sums.columns)] = sums
    return weekly


def _mean_by_volume(rows: pd.DataFrame, column: str, groups: np.ndarray) -> pd.Series:
    weights = rows["volume"].where(rows[column].notna(), 0.0)
    weighted = (rows[column] * weights).groupby(groups).sum()
    total = weights.groupby(groups).sum()
    return (weighted / total.where(total > 0)).fillna(rows[column].groupby(groups).mean())
