"""The selection of titles to forecast; the training weeks alone decide which are scored."""

import logging
from collections.abc import Iterable

import numpy as np
import pandas as pd

from book_forecast.options.groups import SelectionOptions
from book_forecast.pipelines.preprocess.grid import count_training_weeks, week_grid, week_numbers
from book_forecast.pipelines.preprocess.upcoming import find_upcoming
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

RECENT_WEEKS = 52
"""Last training weeks; their volume ranks the titles."""

LEFT_OUT_COLUMNS = [
    *("isbn", "title", "reason", "first_sale", "last_sale", "weeks", "recent_volume", "alive")
]
_NOT_IN_EXPORT = "not in the sales in use"
_NO_SALE = "no sale"


def select_titles(
    sales: pd.DataFrame,
    missing: pd.DataFrame,
    titles_table: pd.DataFrame,
    selection: SelectionOptions,
    alive_weeks: int,
    split_size: int,
    launches: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Select the titles to forecast, and those of them to tune and to score.

    The weeks before the test set alone decide which titles are scored. With `all` it is every title
    with a sale in the last `alive_weeks` reported training weeks and at least `min_weeks` reported
    weeks from its first sale on. With `top` it is the `max_titles` of these with the highest volume
    in the last 52 training weeks. If no title is old enough, younger ones are scored.

    Other titles on sale, those with a sale in the last `alive_weeks` reported weeks of all, are
    forecast without a score: `all` takes them all. `top` adds those that sell more copies a week
    than the smallest of its titles, at most `max_titles`; so no sale in the test weeks displaces a
    title that is scored.

    Titles of the table of launches that have not sold yet are forecast too. A list takes the named
    titles that have sold at all, also dead ones, or are to come; those with a training week are
    scored.

    Args:
        sales: isbn, week, volume of the whole export.
        missing: The weeks nobody reported: week.
        titles_table: isbn, title.
        selection: The titles to select, and the weeks that scoring needs.
        alive_weeks: Number of the last reported weeks that need a sale.
        split_size: Weeks in the test set.
        launches: isbn, publication_date of titles that are not out yet; None without any.

    Returns:
        The selected titles (isbn, sorted, and is_scored), and those left out: isbn, title, reason,
        and, as of the training cutoff, first_sale, last_sale, weeks (reported ones from the first
        sale on), recent_volume and alive (a sale in the last `alive_weeks`). Each title of the
        export and each named one is in one of the two.

    Raises:
        UserError: No title is left.
    """
    wanted, max_titles, min_weeks = selection.titles, selection.max_titles, selection.min_weeks
    upcoming = find_upcoming(sales, launches, alive_weeks)
    grid = week_grid(sales)
    facts = _facts(sales, missing, count_training_weeks(grid, split_size), alive_weeks)
    facts = _with_titles(facts, upcoming["isbn"])
    reason = pd.Series(_NO_SALE, index=facts.index, dtype="str")
    reason[upcoming["isbn"]] = upcoming["reason"].to_numpy()
    if isinstance(wanted, list):
        facts, reason = _named(facts, reason, pd.Index(wanted, dtype="str"), sales)
        return _report(facts, reason, facts["weeks"] > 0, titles_table, wanted)
    scored = facts["alive"] & (facts["weeks"] >= min_weeks)
    scored = _admitted(facts, scored, min_weeks)
    pace = _pace(_facts(sales, missing, len(grid), alive_weeks)).reindex(facts.index)
    on_sale = scored | pace.notna()
    has_sold = facts.index.isin(sales.loc[sales["volume"] > 0, "isbn"].unique())
    reason[has_sold] = f"no sale in the last {alive_weeks} weeks"
    reason[on_sale] = ""
    if wanted == "top":
        ranked = facts[scored].sort_values(["recent_volume", "isbn"], ascending=[False, True])
        by_pace = pace[on_sale & ~scored].rename_axis("isbn").rename("pace").reset_index()
        by_pace = by_pace.sort_values(["pace", "isbn"], ascending=[False, True])
        smallest = ranked["recent_volume"].iloc[:max_titles].min() / RECENT_WEEKS
        is_small = (by_pace["pace"] <= smallest) & (len(ranked) >= max_titles)
        not_top = [*ranked.index[max_titles:], *by_pace["isbn"].iloc[max_titles:]]
        reason[[*not_top, *by_pace.loc[is_small, "isbn"]]] = (
            f"not among the {max_titles} titles with the most recent volume"
        )
    return _report(facts, reason, scored, titles_table, wanted)


def _with_titles(facts: pd.DataFrame, isbns: Iterable[str]) -> pd.DataFrame:
    """Add titles that the export does not have."""
    added = sorted(set(isbns) - set(facts.index))
    facts = facts.reindex([*facts.index, *added]).rename_axis("isbn")
    facts["weeks"] = facts["weeks"].fillna(0).astype(int)
    facts["recent_volume"] = facts["recent_volume"].fillna(0.0)
    facts["alive"] = facts["alive"].eq(other=True)
    return facts.sort_index()


def _named(
    facts: pd.DataFrame, reason: pd.Series, named: pd.Index, sales: pd.DataFrame
) -> tuple[pd.DataFrame, pd.Series]:
    """Return all titles and all named ones, and the reasons of those that are left out."""
    _refuse_unknown(named, facts.index, sales)
    facts = _with_titles(facts, named)
    reason = reason.reindex(facts.index, fill_value=_NOT_IN_EXPORT)
    sold = sales.loc[sales["volume"] > 0, "isbn"].unique()
    reason[facts.index.isin(sold)] = ""
    reason[~facts.index.isin(named)] = "not named in titles"
    for isbn in named[reason[named] != ""]:
        logger.warning("Title %s is left out: %s.", isbn, reason[isbn])
    return facts, reason


def _facts(
    sales: pd.DataFrame, missing: pd.DataFrame, n_weeks: int, alive_weeks: int
) -> pd.DataFrame:
    """Return a row per title of the export, sorted by isbn, as of its first `n_weeks` weeks."""
    grid = week_grid(sales)
    reported = ~grid.isin(missing["week"])[:n_weeks]
    table = pd.DataFrame(
        {
            "isbn": sales["isbn"],
            "week": week_numbers(sales["week"], grid),
            "volume": sales["volume"],
        }
    )
    sold = table[(table["week"] < n_weeks) & (table["volume"] > 0)]
    isbns = pd.Index(np.sort(sales["isbn"].unique()), name="isbn", dtype="str")
    spans = sold.groupby("isbn")["week"].agg(["min", "max"]).reindex(isbns)
    recent = sold[sold["week"] >= n_weeks - RECENT_WEEKS].groupby("isbn")["volume"].sum()
    # The entry after the last week serves titles without a sale.
    weeks_from = np.append(np.cumsum(reported[::-1])[::-1], 0)
    first = spans["min"].fillna(n_weeks).astype(int)
    last = spans["max"].fillna(n_weeks).astype(int)
    week_of = np.append(grid[:n_weeks].to_numpy(), np.datetime64("NaT"))
    return pd.DataFrame(
        {
            "first_sale": week_of[first],
            "last_sale": week_of[last],
            "weeks": weeks_from[first],
            "recent_weeks": np.minimum(
                weeks_from[first], weeks_from[max(n_weeks - RECENT_WEEKS, 0)]
            ),
            "recent_volume": recent.reindex(isbns).fillna(0.0).astype(float),
            "alive": (last < n_weeks) & (weeks_from[last] <= alive_weeks),
        },
        index=isbns,
    )


def _pace(facts: pd.DataFrame) -> pd.Series:
    """Return copies a week of the titles on sale, in the last year or since their first sale."""
    alive = facts[facts["alive"]]
    return alive["recent_volume"] / alive["recent_weeks"].clip(lower=1)


def _admitted(facts: pd.DataFrame, scored: pd.Series, min_weeks: int) -> pd.Series:
    """Return the titles that are scored although too young, as there are no older ones."""
    young = facts["alive"] & (facts["weeks"] > 0)
    if scored.any() or not young.any():
        return scored
    logger.warning(
        "No title has min_weeks=%d weeks before the test set: %d younger titles are scored",
        *(min_weeks, young.sum()),
    )
    return young


def _refuse_unknown(named: pd.Index, known: pd.Index, sales: pd.DataFrame) -> None:
    if not named.isin(known).any():
        raise UserError(
            f"titles names {', '.join(named[:10])}{' …' if len(named) > 10 else ''}, but none is "
            f"among the {len(known)} titles sold from {sales['week'].min():%Y-%m-%d} to "
            f"{sales['week'].max():%Y-%m-%d}. Check the ISBNs, or use titles=top or titles=all."
        )


def _report(
    facts: pd.DataFrame,
    reason: pd.Series,
    is_scored: pd.Series,
    titles_table: pd.DataFrame,
    wanted: str | list[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = titles_table.drop_duplicates("isbn").set_index("isbn")["title"]
    facts = facts.assign(
        reason=reason, title=names.reindex(facts.index), is_scored=is_scored.astype(bool)
    )
    facts = facts.rename_axis("isbn").reset_index()
    chosen = facts["reason"] == ""
    left_out = facts.loc[~chosen, LEFT_OUT_COLUMNS].reset_index(drop=True)
    reasons = [f"{count} {reason}" for reason, count in left_out["reason"].value_counts().items()]
    if not chosen.any():
        raise UserError(
            f"No title is left to forecast: {'; '.join(reasons)}. Relax titles or alive_weeks, or "
            "use more weeks."
        )
    logger.info(
        "Selected %d of %d titles (titles=%s)",
        *(chosen.sum(), len(facts), wanted if isinstance(wanted, str) else f"{len(wanted)} named"),
    )
    selected = facts.loc[chosen, ["isbn", "is_scored"]].reset_index(drop=True)
    if not selected["is_scored"].all():
        logger.info(
            "%d of them are too new to be scored, or to come: they are forecast as launches",
            (~selected["is_scored"]).sum(),
        )
    for text in reasons:
        logger.info("Left out: %s", text)
    return selected, left_out
