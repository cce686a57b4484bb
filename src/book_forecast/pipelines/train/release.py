"""The node of the train pipeline that puts a release together."""

from __future__ import annotations

import datetime as dt
import logging

import numpy as np
import pandas as pd
import pyarrow as pa

from book_forecast.execution.fingerprints import fingerprint
from book_forecast.payload.contents import SCHEMAS
from book_forecast.releases.distributions import from_frame
from book_forecast.releases.draft import Draft
from book_forecast.releases.models import state_without_weeks
from book_forecast.releases.refresh import distributions_table
from book_forecast.series.history import WEEK, title_histories

logger = logging.getLogger(__name__)


def assemble_release(
    release_models: pd.DataFrame,
    release_distributions: pd.DataFrame,
    model_input: pd.DataFrame,
    titles: pd.DataFrame,
) -> Draft:
    """Puts everything together that forecasting needs of a training.

    Args:
        release_models: One row a title, of all shards.
        release_distributions: 104 weeks a title.
        model_input: isbn, week, volume: the weeks that the models were fitted on.
        titles: isbn, title and, where the export has them, author and product_class.

    Returns:
        The release, to be published.
    """
    models = release_models.sort_values("isbn", ignore_index=True)
    isbns = models["isbn"].tolist()
    histories = {history.isbn: history for history in title_histories(model_input)}
    weeks = [histories[isbn].volumes for isbn in isbns]
    cutoffs = [_day(histories[isbn].cutoff) for isbn in isbns]
    means, quantiles = from_frame(release_distributions, isbns)
    names = models[["isbn"]].merge(titles, on="isbn", how="left", validate="one_to_one")
    columns = {
        name: names[name] if name in names else [None] * len(isbns)
        for name in ("title", "author", "product_class")
    }
    tables = {
        "titles": pa.table(
            {
                "isbn": isbns,
                **{name: _texts(values) for name, values in columns.items()},
                **{n: _texts(models[n]) for n in ("model", "specification", "fallback_reason")},
                "state": [state_without_weeks(state) for state in models["state"]],
                "first_week": [
                    _day(histories[isbn].cutoff - WEEK * (histories[isbn].n_weeks - 1))
                    for isbn in isbns
                ],
                "trained_until": cutoffs,
                "cutoff": cutoffs,
            },
            schema=SCHEMAS["titles"],
        ),
        "histories": pa.table(
            {"volumes": [pa.array(row, from_pandas=True) for row in weeks]},
            schema=SCHEMAS["histories"],
        ),
        "distributions": distributions_table(means, quantiles),
    }
    logger.info("Put a release of %d titles together", len(isbns))
    return Draft(tables, {"data": fingerprint(model_input[["isbn", "week", "volume"]])})


def _texts(values: pd.Series | list[None]) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in values]


def _day(moment: np.datetime64) -> dt.date:
    day: dt.date = moment.astype("datetime64[D]").astype(object)
    return day
