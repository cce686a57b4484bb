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
from book_forecast.options.groups import BacktestOptions
from book_forecast.options.models import ModelOptions
from book_forecast.payload.contents import SCHEMAS, Payload
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.releases.assembly import (
    distributions_table,
    new_release,
    state_without_weeks,
)
from book_forecast.releases.launches import LAUNCHES
from book_forecast.releases.refreshing import REFRESH, with_trained
from book_forecast.releases.retraining import REFIT, is_whole, with_decision
from book_forecast.releases.training_notes import (
    ERRORS,
    NOTES,
    OF_TUNING,
    START,
    TUNING,
    CovariateNotes,
    identify_training,
    noted_errors,
)
from book_forecast.series.history import title_histories
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

OPTIONS = "options"
TRAINED = "trained"
"""Entry of a manifest: a fingerprint of what a refresh has trained its titles on."""
_NAMES = ["title", "author", "product_class"]


def assemble_release(
    release_models: pd.DataFrame,
    model_input: pd.DataFrame,
    titles: pd.DataFrame,
    specifications: pd.DataFrame,
    calibration: Mapping[str, Any],
    champion: Payload | None,
    models: ModelOptions,
    training_notes: Mapping[str, Any] | None = None,
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
        training_notes: As `describe_training` returns them; None to take in no new titles.

    Returns:
        The candidate: the champion itself where data, specifications, options and code are its own.
    """
    notes = training_notes or {}
    release_models = release_models.sort_values("isbn", ignore_index=True)
    tables = _tables(release_models, model_input, titles, specifications, notes)
    identity = fingerprint(
        [model_input, release_models.drop(columns="distribution"), specifications, calibration],
        [models, tables["titles"].select(_NAMES).to_pydict()],
        notes.get(LAUNCHES),
        code_fingerprint("book_forecast.pipelines.train.fits"),
        code_fingerprint(__name__),
    )
    if champion is not None and champion.manifest.get("fingerprint") == identity:
        return _again(champion)
    logger.info("Assembled a release of %d titles", tables["titles"].num_rows)
    return new_release(tables, _about(identity, model_input, calibration, models, notes))


def assemble_planned(
    release_models: pd.DataFrame,
    model_input: pd.DataFrame,
    titles: pd.DataFrame,
    specifications: pd.DataFrame,
    calibration: Mapping[str, Any],
    champion: Payload | None,
    retraining_plan: pd.DataFrame,
    training_notes: Mapping[str, Any],
) -> Payload:
    """Put the titles that are trained again into a release of the champion's other titles.

    Args:
        release_models: One row per title that is fitted, with its distribution.
        model_input: isbn, week, volume: the weeks that the models were fitted on.
        titles: isbn, title and, where the export has them, author and product_class.
        specifications: Of these titles, as `merge_specifications` returns them.
        calibration: Of the ensembles' intervals.
        champion: The release that is champion; None where there is none.
        retraining_plan: isbn, decision.
        training_notes: As `describe_training` returns them.

    Returns:
        The candidate: the champion itself where no title is trained, or the same titles are trained
        on the same data once more, and a release without any of its titles where the plan is whole.

    Raises:
        UserError: If there is neither a champion nor a title to train.
    """
    models = ModelOptions.model_validate(training_notes[OPTIONS])
    if champion is None or is_whole(retraining_plan):
        if release_models.empty:
            raise UserError("There is no champion, and no title to train: look at retraining_plan.")
        # As `kedro run` makes it: nothing of the champion's is in it.
        anew = specifications.drop(columns=[START, TUNING])
        return assemble_release(
            *(release_models, model_input, titles, anew),
            *(calibration, champion, models, training_notes),
        )
    if release_models.empty:
        logger.info("No title is trained: %s stays, and there is no new release", champion.release)
        return champion
    release_models = release_models.sort_values("isbn", ignore_index=True)
    tables = _tables(release_models, model_input, titles, specifications, training_notes)
    names = tables["titles"].select(_NAMES).to_pydict()
    texts = tables["specifications"].to_pylist()
    # Neither the champion nor the fits, which start from its own: they are others in a repetition.
    trained = fingerprint(
        [model_input, [json.loads(row["specification"]) for row in texts], calibration, models],
        [names, with_decision(retraining_plan, REFIT), training_notes.get(LAUNCHES)],
        [training_notes[NOTES], code_fingerprint(__name__)],
    )
    if champion.manifest.get(TRAINED) == trained:
        return _again(champion)
    identity = fingerprint(
        [champion.release, model_input, release_models.drop(columns="distribution")],
        [specifications, calibration, models, names],
        training_notes.get(LAUNCHES),
        code_fingerprint(__name__),
    )
    about = _about(identity, model_input, calibration, models, training_notes)
    # Kept titles are of the champion's options and code, which others still have to replace.
    about |= {TRAINED: trained, NOTES: champion.manifest.get(NOTES, {})}
    same = with_decision(retraining_plan, REFIT)
    candidate = with_trained(champion, tables, same, about)
    counts = candidate.manifest[REFRESH]
    logger.info(
        "Assembled a release: %d titles of %s, %d refitted, %d tuned anew",
        *(counts["kept"], champion.release, counts["refitted"], counts["retuned"]),
    )
    return candidate


def describe_training(
    launch_priors: Mapping[str, Any],
    model_input: pd.DataFrame,
    covariates: pd.DataFrame | None,
    ensemble_backtest: pd.DataFrame,
    models: ModelOptions,
    backtest: BacktestOptions,
) -> dict[str, Any]:
    """Return what a later retraining plan asks of a training, and the priors of launches.

    Args:
        launch_priors: What is known of a launch by its class.
        model_input: isbn, week, volume of the titles that are trained.
        covariates: isbn, week, name, value; None without any.
        ensemble_backtest: Forecasts frame of the tuning's rolling origins.
        models: The families and the search.
        backtest: Test set and rolling origins.
    """
    known, errors = CovariateNotes(covariates), noted_errors(ensemble_backtest, model_input)
    last = model_input.groupby("isbn")["week"].max()
    newest = f"{model_input['week'].max():%Y-%m-%d}" if len(model_input) else ""
    return {
        LAUNCHES: dict(launch_priors),
        OPTIONS: models.model_dump(mode="json"),
        NOTES: identify_training(models, backtest),
        "titles": {
            isbn: known.notes(str(isbn), np.datetime64(week, "D"), newest)
            | ({ERRORS: errors[str(isbn)]} if isbn in errors else {})
            for isbn, week in last.items()
        },
    }


def _again(champion: Payload) -> Payload:
    logger.info(
        "The candidate is the champion %s again (same data, options and code): no new release",
        champion.release,
    )
    return champion


def _about(
    identity: str,
    model_input: pd.DataFrame,
    calibration: Mapping[str, Any],
    models: ModelOptions,
    notes: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the entries of a manifest beside those of its tables."""
    return {
        "data": fingerprint(model_input[["isbn", "week", "volume"]]),
        "fingerprint": identity,
        "calibration": dict(calibration),
        "options": models.model_dump(mode="json"),
        LAUNCHES: dict(notes.get(LAUNCHES) or {}),
        NOTES: dict(notes.get(NOTES) or {}),
    }


def _tables(
    fitted: pd.DataFrame,
    model_input: pd.DataFrame,
    titles: pd.DataFrame,
    specifications: pd.DataFrame,
    notes: Mapping[str, Any],
) -> dict[str, pa.Table]:
    """Return titles, histories, distributions and specifications of the titles that are fitted."""
    isbns = fitted["isbn"].tolist()
    histories = {history.isbn: history for history in title_histories(model_input)}
    weeks = [histories[isbn].volumes for isbn in isbns]
    cutoffs = [_day(histories[isbn].cutoff) for isbn in isbns]
    quantiles = np.stack(fitted["distribution"].to_list()).reshape(len(isbns), -1, LONGEST_HORIZON)
    names = fitted[["isbn"]].merge(titles, on="isbn", how="left", validate="one_to_one")
    columns = {name: names[name] if name in names else [None] * len(isbns) for name in _NAMES}
    return {
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
        "specifications": _as_json(
            specifications[specifications["isbn"].isin(isbns)], notes.get("titles", {})
        ),
    }


def _as_json(specifications: pd.DataFrame, notes: Mapping[str, Mapping[str, Any]]) -> pa.Table:
    rows = specifications.sort_values("isbn").to_dict("records")
    texts = []
    for row in rows:
        content = {name: None if pd.isna(value) else value for name, value in row.items()}
        content.pop(START, None)
        own = dict(notes.get(row["isbn"], {}))
        # A refit leaves what is known of the title's tuning as it is.
        if (former := content.pop(TUNING, None)) is not None:
            own = {n: note for n, note in own.items() if n not in OF_TUNING} | json.loads(former)
        texts.append(json.dumps({**content, **({NOTES: own} if own else {})}))
    return pa.table(
        {"isbn": [row["isbn"] for row in rows], "specification": texts},
        schema=SCHEMAS["specifications"],
    )


def _texts(values: pd.Series | list[None]) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in values]


def _day(moment: np.datetime64) -> dt.date:
    day: dt.date = moment.astype("datetime64[D]").astype(object)
    return day
