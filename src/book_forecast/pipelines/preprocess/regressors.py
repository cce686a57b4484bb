"""One table of what is known of weeks beside sales: promotions, their plan, further regressors."""

import logging

import pandas as pd

from book_forecast.options.groups import ModelOptions, RegressorOptions
from book_forecast.pipelines.preprocess.regressor_rows import CleanTable, clean_plan, clean_table
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import ALL_TITLES, PROMOTION
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

MOST_NAMES = 20
"""Of further regressors: weekly sales of a few years do not tell apart what more of them do."""

_REASONS_SHOWN = 3


def read_regressors(
    promotion_plan: pd.DataFrame, regressor_table: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take both tables as they are, as a first node: a file that cannot be read stops the run here.

    Stopping later would leave a model input of this run beside training weeks of the one before.
    """
    return promotion_plan, regressor_table


def build_regressors(
    model_input: pd.DataFrame,
    promotion_plan: pd.DataFrame,
    regressor_table: pd.DataFrame,
    models: ModelOptions,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put promotions, their plan and further regressors into one long table.

    Args:
        model_input: isbn, week, promotion of the titles to forecast.
        promotion_plan: file, row, isbn, week, depth, surplus, as text; may be empty.
        regressor_table: file, row, isbn, week, name, value, surplus, as text; may be empty.
        models: The declared futures; they are checked for names that no table has.

    Returns:
        isbn, week, name, value, and the rejected rows: file, row, column, value, reason. Names are
        "promotion" in the weeks of the model input that had one, "promotion_plan" in those after
        its last week that a plan promotes, and the table's own in its rows about these titles or
        "all", which are not written out for each title.

    Raises:
        UserError: If the table has more names than `MOST_NAMES`.
    """
    last = model_input["week"].max()
    plan = clean_plan(promotion_plan, last.date())
    table = clean_table(regressor_table, last.date())
    _refuse_too_many(table.rows["name"])
    rejected = _rejected(plan, table)
    _warn_of_futures(table.rows, last, models.regressors)

    titles = pd.Index(model_input["isbn"].unique())
    happened = model_input.loc[model_input["promotion"] > 0, ["isbn", "week", "promotion"]]
    ahead = plan.rows["week"] > last
    planned = plan.rows[ahead & (plan.rows["depth"] > 0) & plan.rows["isbn"].isin(titles)]
    further = table.rows[table.rows["isbn"].isin(titles.append(pd.Index([ALL_TITLES])))]
    logger.info(
        "Regressors: promotions in %s of %s title-weeks; planned in %s after %s%s; %s",
        f"{len(happened):,}",
        f"{len(model_input):,}",
        f"{len(planned):,}",
        f"{last:%Y-%m-%d}",
        f" (the plan's {(~ahead).sum():,} rows up to then are past)" if (~ahead).any() else "",
        ", ".join(sorted(further["name"].unique())) or "no further ones",
    )
    parts = [
        happened.rename(columns={"promotion": "value"}).assign(name=PROMOTION),
        planned.rename(columns={"depth": "value"}).assign(name=PROMOTION_PLAN),
        further,
    ]
    columns = ["isbn", "week", "name", "value"]
    types = {"isbn": "str", "week": "datetime64[us]", "name": "str", "value": "float64"}
    frame = pd.concat([part[columns].astype(types) for part in parts], ignore_index=True)
    return frame, rejected


def _refuse_too_many(names: pd.Series) -> None:
    rows = names.value_counts()
    if len(rows) > MOST_NAMES:
        rarest = ", ".join(rows.index[: -_REASONS_SHOWN - 1 : -1])
        raise UserError(
            f"The files in 01_raw/regressors have {len(rows)} names in their column name; "
            f"{MOST_NAMES} is the most. Take out the least useful ones (the names with the fewest "
            f"rows are {rarest}). If each row has a name of its own, name and value are exchanged."
        )


def _rejected(plan: CleanTable, table: CleanTable) -> pd.DataFrame:
    rejected = pd.concat([plan.rejected, table.rejected], ignore_index=True)
    if rejected.empty:
        return rejected
    labels = (rejected["column"] + ": ").where(rejected["column"] != "", "") + rejected["reason"]
    counts = labels.value_counts()
    first = rejected.iloc[0]
    logger.warning(
        "Rejected %s rows of promotion plans and %s of regressor tables, kept in "
        "rejected_regressors; the first is row %d of %s. Reasons: %s",
        f"{len(plan.rejected):,}",
        f"{len(table.rejected):,}",
        first["row"],
        first["file"],
        "; ".join(f"{reason} ({n:,})" for reason, n in counts.head(_REASONS_SHOWN).items()),
    )
    return rejected


def _warn_of_futures(table: pd.DataFrame, last: pd.Timestamp, options: RegressorOptions) -> None:
    """Tell of declarations that have no effect, and of values that have none for want of one."""
    for name in sorted(set(options.futures) - set(table["name"])):
        logger.warning(
            "regressors.futures names %s, of which 01_raw/regressors tells nothing", name
        )
    ahead = table.loc[table["week"] > last, "name"].unique()
    unused = [name for name in ahead if options.future_of(name) != "known"]
    if unused:
        logger.warning(
            "Values after the last week of sales are not used of %s: that takes "
            "regressors.futures.<name>=known",
            ", ".join(sorted(unused)),
        )
