"""The node of the train pipeline that puts a release together."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.options.models import ModelOptions
from book_forecast.payload.contents import SCHEMAS, Payload
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.releases.assembly import (
    distributions_table,
    new_release,
    state_without_weeks,
)
from book_forecast.releases.launches import LAUNCHES
from book_forecast.series.history import title_histories

logger = logging.getLogger(__name__)


def assemble_release(
    release_models: pd.DataFrame,
    model_input: pd.DataFrame,
    titles: pd.DataFrame,
    specifications: pd.DataFrame,
    calibration: Mapping[str, Any],
    champion: Payload | None,
    models: ModelOptions,
    launch_priors: Mapping[str, Any] | None = None,
) -> Payload:
    """Put everything together that forecasting, and a later comparison, needs of a training.

    Args:
        release_models: One row per title, with its distribution of the weeks ahead.
        model_input: isbn, week, volume: the weeks that the models were fitted on.
        titles: isbn, title and, where the export has them, author and product_class.
        specifications: One row per title, as tune writes them.
        calibration: Of the ensembles' intervals.
        champion: The release that is champion; None where there is none.
        models: Options of the models.
        launch_priors: What is known of a launch by its class; None to take in no new titles.

    Returns:
        The candidate: the champion itself where data, specifications, options and code are its own.
    """
    fitted = release_models.sort_values("isbn", ignore_index=True)
    isbns = fitted["isbn"].tolist()
    histories = {history.isbn: history for history in title_histories(model_input)}
    weeks = [histories[isbn].volumes for isbn in isbns]
    cutoffs = [_day(histories[isbn].cutoff) for isbn in isbns]
    quantiles = np.stack(fitted["distribution"].to_list()).reshape(len(isbns), -1, LONGEST_HORIZON)
    names = fitted[["isbn"]].merge(titles, on="isbn", how="left", validate="one_to_one")
    columns = {
        name: names[name] if name in names else [None] * len(isbns)
        for name in ("title", "author", "product_class")
    }
    tables = {
        "titles": pa.table(
            {
                "isbn": isbns,
                **{name: _texts(values) for name, values in columns.items()},
                **{n: _texts(fitted[n]) for n in ("model", "specification", "fallback_reason")},
                "state": [state_without_weeks(state) for state in fitted["state"]],
                "first_week": [_day(histories[isbn].first_week) for isbn in isbns],
                "trained_until": cutoffs,
                "cutoff": cutoffs,
            },
            schema=SCHEMAS["titles"],
        ),
        "histories": pa.table(
            {"volumes": [pa.array(row, from_pandas=True) for row in weeks]},
            schema=SCHEMAS["histories"],
        ),
        "distributions": distributions_table(quantiles[:, 0], quantiles[:, 1:]),
        "specifications": _as_json(specifications[specifications["isbn"].isin(isbns)]),
    }
    identity = fingerprint(
        [model_input, fitted.drop(columns="distribution"), specifications, calibration, models],
        columns,
        launch_priors,
        code_fingerprint("book_forecast.pipelines.train.fits"),
        code_fingerprint(__name__),
    )
    if champion is not None and champion.manifest.get("fingerprint") == identity:
        logger.info(
            "The candidate is the champion %s again (same data, options and code): no new release",
            champion.release,
        )
        return champion
    logger.info("Assembled a release of %d titles", len(isbns))
    about = {
        "data": fingerprint(model_input[["isbn", "week", "volume"]]),
        "fingerprint": identity,
        "calibration": dict(calibration),
        "options": models.model_dump(mode="json"),
        LAUNCHES: dict(launch_priors or {}),
    }
    return new_release(tables, about)


def _as_json(specifications: pd.DataFrame) -> pa.Table:
    rows = specifications.sort_values("isbn").to_dict("records")
    texts = [
        json.dumps({name: None if pd.isna(value) else value for name, value in row.items()})
        for row in rows
    ]
    return pa.table({"isbn": [row["isbn"] for row in rows], "specification": texts})


def _texts(values: pd.Series | list[None]) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in values]


def _day(moment: np.datetime64) -> dt.date:
    day: dt.date = moment.astype("datetime64[D]").astype(object)
    return day
