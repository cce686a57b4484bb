"""The selection of titles to forecast, by the training weeks alone."""

import logging

import numpy as np
import pandas as pd

from book_forecast.options.groups import SelectionOptions
from book_forecast.pipelines.preprocess.grid import count_training_weeks, week_grid, week_numbers
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

RECENT_WEEKS = 52
"""Last training weeks; their volume ranks the titles."""

LEFT_OUT_COLUMNS = [
    *("isbn", "title", "reason", "first_sale", "last_sale", "weeks", "recent_volume", "alive")
]
_NOT_IN_EXPORT = "not in the sales in use"
_NO_TRAINING_SALE = "no sale before the test weeks"


def select_titles(
    sales: pd.DataFrame,
    missing: pd.DataFrame,
    titles_table: pd.DataFrame,
    selection: SelectionOptions,
    alive_weeks: int,
    split_size: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Select the titles to forecast by the weeks before the test set.

    `all` takes every title with a sale in the last `alive_weeks` reported training weeks and at
    least `min_weeks` reported weeks from its first sale on. `top` takes the `max_titles` of these
    with the highest volume in the last 52 training weeks. A list takes the named titles that have
    sold at all, also dead ones and those without a week before the test set. If the export is too
    short for `min_weeks`, `all` and `top` take younger titles.

    Args:
        sales: isbn, week, volume of the whole export.
        missing: The weeks nobody reported: week.
        titles_table: isbn, title.
        selection: The titles to select, and the weeks that they need.
        alive_weeks: Number of the last reported training weeks that need a sale.
        split_size: Weeks in the test set.

    Returns:
        The selected titles (isbn, sorted), and those left out: isbn, title, reason, and, as of the
        training cutoff, first_sale, last_sale, weeks (reported ones from the first sale on),
        recent_volume and alive (a sale in the last `alive_weeks`). Each title of the export and
        each named one is in one of the two.

    Raises:
        UserError: No title is left.
    """
    wanted, max_titles, min_weeks = selection.titles, selection.max_titles, selection.min_weeks
    facts = _training_facts(sales, missing, split_size, alive_weeks)
    reason = pd.Series("", index=facts.index, dtype="str")
    reason[facts["weeks"] == 0] = _NO_TRAINING_SALE
    if isinstance(wanted, list):
        named = pd.Index(wanted, dtype="str")
        _refuse_unknown(named, facts.index, sales)
        reason[~facts.index.isin(named)] = "not named in titles"
        absent = named.difference(facts.index)
        facts = facts.reindex(facts.index.append(absent))
        facts["weeks"] = facts["weeks"].fillna(0).astype(int)
        facts["recent_volume"] = facts["recent_volume"].fillna(0.0)
        facts["alive"] = facts["alive"].eq(other=True)
        sold = pd.Index(sales.loc[sales["volume"] > 0, "isbn"].unique())
        reason = reason.mask(reason.index.isin(named) & reason.index.isin(sold), "")
        reason = reason.reindex(facts.index, fill_value=_NOT_IN_EXPORT)
        for isbn in named[reason[named] != ""]:
            logger.warning("Title %s is left out: %s.", isbn, reason[isbn])
    else:
        dead = f"no sale in the last {alive_weeks} weeks before the test weeks"
        young = f"fewer than {min_weeks} weeks of history before the test weeks"
        reason[(reason == "") & ~facts["alive"]] = dead
        reason[(reason == "") & (facts["weeks"] < min_weeks)] = young
        _admit_young(reason, young, sales, split_size, min_weeks)
    if wanted == "top":
        ranked = facts[reason == ""].sort_values(["recent_volume", "isbn"], ascending=[False, True])
        reason[ranked.index[max_titles:]] = (
            f"not among the {max_titles} titles with the most recent volume"
        )
    facts["reason"] = reason
    return _report(facts, titles_table, wanted, split_size)


def _training_facts(
    sales: pd.DataFrame, missing: pd.DataFrame, split_size: int, alive_weeks: int
) -> pd.DataFrame:
    """Return a row per title of the export, sorted by isbn, as of the training cutoff."""
    grid = week_grid(sales)
    n_training = count_training_weeks(grid, split_size)
    reported = ~grid.isin(missing["week"])[:n_training]
    table = pd.DataFrame(
        {
            "isbn": sales["isbn"],
            "week": week_numbers(sales["week"], grid),
            "volume": sales["volume"],
        }
    )
    sold = table[(table["week"] < n_training) & (table["volume"] > 0)]
    isbns = pd.Index(np.sort(sales["isbn"].unique()), name="isbn", dtype="str")
    spans = sold.groupby("isbn")["week"].agg(["min", "max"]).reindex(isbns)
    recent = sold[sold["week"] >= n_training - RECENT_WEEKS].groupby("isbn")["volume"].sum()
    # The entry after the last week serves titles without a sale.
    weeks_from = np.append(np.cumsum(reported[::-1])[::-1], 0)
    first = spans["min"].fillna(n_training).astype(int)
    last = spans["max"].fillna(n_training).astype(int)
    week_of = np.append(grid[:n_training].to_numpy(), np.datetime64("NaT"))
    return pd.DataFrame(
        {
            "first_sale": week_of[first],
            "last_sale": week_of[last],
            "weeks": weeks_from[first],
            "recent_volume": recent.reindex(isbns).fillna(0.0).astype(float),
            "alive": (last < n_training) & (weeks_from[last] <= alive_weeks),
        },
        index=isbns,
    )


def _admit_young(
    reason: pd.Series, young: str, sales: pd.DataFrame, split_size: int, min_weeks: int
) -> None:
    """Admit titles that are too young where the whole export is too short for older ones."""
    n_training = count_training_weeks(week_grid(sales), split_size)
    is_young = reason == young
    if n_training < min_weeks and is_young.any():
        reason[is_young] = ""
        logger.warning(
            "The export has %d weeks before the test set, min_weeks is %d: %d younger titles are "
            "forecast",
            *(n_training, min_weeks, is_young.sum()),
        )


def _refuse_unknown(named: pd.Index, known: pd.Index, sales: pd.DataFrame) -> None:
    if not named.isin(known).any():
        raise UserError(
            f"titles names {', '.join(named[:10])}{' …' if len(named) > 10 else ''}, but none is "
            f"among the {len(known)} titles sold from {sales['week'].min():%Y-%m-%d} to "
            f"{sales['week'].max():%Y-%m-%d}. Check the ISBNs, or use titles=top or titles=all."
        )


def _report(
    facts: pd.DataFrame, titles_table: pd.DataFrame, wanted: str | list[str], split_size: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = titles_table.drop_duplicates("isbn").set_index("isbn")["title"]
    facts["title"] = names.reindex(facts.index)
    facts = facts.rename_axis("isbn").reset_index()
    chosen = facts["reason"] == ""
    left_out = facts.loc[~chosen, LEFT_OUT_COLUMNS].reset_index(drop=True)
    reasons = [f"{count} {reason}" for reason, count in left_out["reason"].value_counts().items()]
    if not chosen.any():
        raise UserError(
            f"No title is left to forecast: {'; '.join(reasons)}. Relax titles, min_weeks or "
            f"alive_weeks, choose a smaller split_size than {split_size}, or use more weeks."
        )
    logger.info(
        "Selected %d of %d titles (titles=%s)",
        *(chosen.sum(), len(facts), wanted if isinstance(wanted, str) else f"{len(wanted)} named"),
    )
    for reason in reasons:
        logger.info("Left out: %s", reason)
    return facts.loc[chosen, ["isbn"]].reset_index(drop=True), left_out
