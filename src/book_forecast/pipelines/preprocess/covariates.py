"""One long table of covariates: promotions, planned promotions, and tables that users supply."""

import logging

import pandas as pd

from book_forecast.bookscan.rules.rejections import list_reasons
from book_forecast.options.models import ModelOptions, RegressorOptions
from book_forecast.pipelines.preprocess.covariate_rows import (
    CleanTable,
    clean_covariates,
    clean_plan,
)
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import ALL_TITLES, PROMOTION
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

MAX_NAMES = 20
"""Of tabulated covariates: a few years of weekly sales cannot separate the effects of more."""

_NAMES_SHOWN = 3


def read_covariates(
    promotion_plan: pd.DataFrame, covariate_table: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pass both tables on, as the first node: an unreadable file stops the run before any output.

    A later stop would leave a model input of this run beside training weeks of the previous one.
    """
    return promotion_plan, covariate_table


def build_covariates(
    model_input: pd.DataFrame,
    release_weeks: pd.DataFrame,
    promotion_plan: pd.DataFrame,
    covariate_table: pd.DataFrame,
    models: ModelOptions,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put past promotions, planned promotions and tabulated covariates into one long table.

    Args:
        model_input: isbn, week, promotion of the selected titles.
        release_weeks: The same of the release's other titles.
        promotion_plan: file, row, isbn, week, depth, surplus, as text; may be empty.
        covariate_table: file, row, isbn, week, name, value, surplus, as text; may be empty.
        models: The options of covariates; names that no table has are warned of.

    Returns:
        The covariates (isbn, week, name, value) and the rejected rows (file, row, column, value,
        reason). The name is "promotion" in weeks of the model input with a promotion,
        "promotion_plan" in later weeks of the plan, and the table's own otherwise. Rows of
        "all" titles stay one row.

    Raises:
        UserError: The table has more than `MAX_NAMES` names.
    """
    columns = ["isbn", "week", "promotion"]
    weeks = pd.concat([model_input[columns], release_weeks[columns]], ignore_index=True)
    last = weeks["week"].max()
    plan = clean_plan(promotion_plan, last.date())
    table = clean_covariates(covariate_table, last.date())
    _refuse_too_many(table.rows["name"])
    rejected = _rejected(plan, table)
    _warn_of_futures(table.rows, last, models.regressors)

    titles = pd.Index(weeks["isbn"].unique())
    past = weeks[weeks["promotion"] > 0]
    ahead = plan.rows["week"] > last
    # A depth of 0 stays: it plans that there is no promotion.
    planned = plan.rows[ahead & plan.rows["isbn"].isin(titles)]
    tabulated = table.rows[table.rows["isbn"].isin(titles.append(pd.Index([ALL_TITLES])))]
    logger.info(
        "Covariates: promotions in %s of %s title-weeks; planned in %s after %s%s; %s",
        f"{len(past):,}",
        f"{len(weeks):,}",
        f"{(planned['depth'] > 0).sum():,}",
        f"{last:%Y-%m-%d}",
        f" ({(~ahead).sum():,} rows of the plan are not later)" if (~ahead).any() else "",
        ", ".join(sorted(tabulated["name"].unique())) or "no others",
    )
    parts = [
        past.rename(columns={"promotion": "value"}).assign(name=PROMOTION),
        planned.rename(columns={"depth": "value"}).assign(name=PROMOTION_PLAN),
        tabulated,
    ]
    columns = ["isbn", "week", "name", "value"]
    types = {"isbn": "str", "week": "datetime64[us]", "name": "str", "value": "float64"}
    frame = pd.concat([part[columns].astype(types) for part in parts], ignore_index=True)
    return frame, rejected


def _refuse_too_many(names: pd.Series) -> None:
    rows = names.value_counts()
    if len(rows) > MAX_NAMES:
        rarest = ", ".join(rows.index[: -_NAMES_SHOWN - 1 : -1])
        raise UserError(
            f"The files in 01_raw/regressors have {len(rows)} names in their column name; "
            f"{MAX_NAMES} is the limit. Take out the least useful ones (the names with the fewest "
            f"rows are {rarest}). If each row has a name of its own, name and value are exchanged."
        )


def _rejected(plan: CleanTable, table: CleanTable) -> pd.DataFrame:
    rejected = pd.concat([plan.rejected, table.rejected], ignore_index=True)
    if rejected.empty:
        return rejected
    first = rejected.iloc[0]
    logger.warning(
        "Rejected %s rows of promotion plans and %s of covariate tables, see "
        "rejected_covariates; the first is row %d of %s. Reasons: %s",
        f"{len(plan.rejected):,}",
        f"{len(table.rejected):,}",
        first["row"],
        first["file"],
        list_reasons(rejected),
    )
    return rejected


def _warn_of_futures(table: pd.DataFrame, last: pd.Timestamp, options: RegressorOptions) -> None:
    """Warn of names in `futures` without values, and of later values that no model may use."""
    for name in sorted(set(options.futures) - set(table["name"])):
        logger.warning("regressors.futures names %s, but no file in 01_raw/regressors does", name)
    ahead = table.loc[table["week"] > last, "name"].unique()
    unused = [name for name in ahead if options.future_of(name) != "known"]
    if unused:
        logger.warning(
            "Values of %s after the last week of sales are ignored; set "
            "regressors.futures.<name>=known to use them",
            ", ".join(sorted(unused)),
        )
