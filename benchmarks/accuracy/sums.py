"""Coverage of sums over weeks and titles, at origins that weights and intervals do not know.

A run has the families' forecasts at its rolling origins. For each origin, the folds that end before
it give weights, intervals and dependence, as in tune; the forecasts at the origin then get the
distributions of a release, whose sums are compared with what was sold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.accuracy.panels import Panel
from benchmarks.runs import configured, markdown_table
from book_forecast.datasets import GenerationDataset
from book_forecast.forecasters.calibration import Calibration
from book_forecast.forecasters.ceilings import KEY as CEILING
from book_forecast.forecasters.ceilings import capped
from book_forecast.forecasters.ensemble import COMPARED_WEEKS, POWER
from book_forecast.forecasters.weights import combine
from book_forecast.options.models import ModelOptions
from book_forecast.payload.arrays import Floats
from book_forecast.payload.contents import Payload
from book_forecast.payload.manifest import LONGEST_HORIZON, PROBABILITIES
from book_forecast.payload.sums import SumReader
from book_forecast.payload.weight import Weight, weights_from_json
from book_forecast.pipelines.tune.fold_arrays import fold_arrays
from book_forecast.pipelines.tune.fold_kinds import fold_kinds, fold_weeks
from book_forecast.pipelines.tune.nodes import weigh_families
from book_forecast.releases.distributions import LEVELS, distribution_of
from book_forecast.series.history import WEEK, FloatArray, title_histories

SPANS = (4, 8, 13, 26)
FEWEST_ORIGINS = 5
"""Origins before the one that is scored."""
WEEK_ALONE, TITLE, CLASS, ALL = "single weeks", "single titles", "product classes", "all titles"
KINDS = (WEEK_ALONE, TITLE, CLASS, ALL)
COLUMNS = ("by", "weeks", "inside")

_PROBABILITIES = (0.1, 0.9)


@dataclass(frozen=True)
class Run:
    """What a run knows of its folds.

    Attributes:
        forecasts: isbn, cutoff, week and a column per family.
        seasons: A row per title.
        orders: A row per title.
        weeks: isbn, week, volume, promotion of the training weeks.
        titles: isbn, product_class.
        models: The options.
    """

    forecasts: pd.DataFrame
    seasons: pd.DataFrame
    orders: pd.DataFrame
    weeks: pd.DataFrame
    titles: pd.DataFrame
    models: ModelOptions


def read_run(panel: Panel, root: Path) -> Run:
    """Read the tables of a finished run."""
    models = configured()
    rules = models.regressors.model_copy(
        update={"promotions_known": panel.options.promotions_known}
    )
    forecasts, seasons, orders = (
        GenerationDataset(filepath=str(root / "06_models" / name)).load()
        for name in ("fold_forecasts", "seasons", "sarima_orders")
    )
    families = [name for name in models.families if name in forecasts]
    changes = {"calendar": panel.options.calendar, "regressors": rules, "families": families}
    return Run(
        *(forecasts, seasons, orders),
        weeks=pd.read_parquet(root / "05_model_input/training_weeks.parquet"),
        titles=pd.read_parquet(root / "03_primary/titles.parquet"),
        models=models.model_copy(update=changes),
    )


def sum_coverage(run: Run) -> pd.DataFrame:
    """Score the 80 % intervals of sums.

    Returns:
        A row per sum: by (one of `KINDS`), weeks, inside.
    """
    cutoffs = run.forecasts.groupby("cutoff")["week"].max()
    rows: list[tuple[str, int, bool]] = []
    for cutoff in cutoffs.index:
        before = cutoffs.index[cutoffs <= cutoff]
        if len(before) >= FEWEST_ORIGINS:
            rows += _at(run, cutoff, list(before))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def weights_by_week(
    specifications: pd.DataFrame, families: Sequence[str], horizon: int
) -> FloatArray:
    """Return the weights of the families by week ahead, shape (n, m, horizon).

    Args:
        specifications: Of n titles, as `weigh_families` returns them.
        families: Names of m families.
        horizon: Weeks ahead.
    """
    nothing = Weight.steady(0.0)
    pairs = zip(specifications["weights"], specifications[COMPARED_WEEKS], strict=True)
    found = [weights_from_json(text, int(last)) for text, last in pairs]
    return np.array(
        [[each.get(name, nothing).ahead(horizon) for name in families] for each in found]
    )


def _at(run: Run, cutoff: pd.Timestamp, before: list[pd.Timestamp]) -> list[tuple[str, int, bool]]:
    """Score one origin by what the folds before it show."""
    past = run.forecasts[run.forecasts["cutoff"].isin(before)]
    now = run.forecasts[run.forecasts["cutoff"] == cutoff]
    isbns = set(now["isbn"]) & set(past["isbn"])
    past, now, seasons, orders = (
        frame[frame["isbn"].isin(isbns)].reset_index(drop=True)
        for frame in (past, now, run.seasons, run.orders)
    )
    since = int((run.weeks["week"].max() - cutoff) / WEEK)
    seasons = seasons.assign(n_weeks=seasons["n_weeks"] - since)
    known = run.weeks[run.weeks["week"] <= cutoff]
    specifications, calibration, _, _ = weigh_families(
        past, seasons, orders, known, run.titles, run.models, [80]
    )
    families: list[str] = [*run.models.families]
    folds, keys = fold_arrays(now, seasons, run.weeks, run.titles, families)
    rows = specifications.set_index("isbn").loc[keys["isbn"]]
    weights = weights_by_week(rows, families, folds.volumes.shape[1])
    mean = np.maximum(combine(folds.members, weights), 0.0)
    kinds = fold_kinds(keys["isbn"], fold_weeks(keys, mean.shape[1]), run.weeks, run.models, now)
    found = Calibration.from_state(calibration)
    distributions = [
        distribution_of(
            capped(
                found.forecast(
                    own,
                    spread,
                    LEVELS,
                    {name: inside[row] for name, inside in kinds.items()},
                    power,
                ),
                ceiling,
            )
        )
        for row, (own, spread, power, ceiling) in enumerate(
            zip(np.nan_to_num(mean), rows["spread"], rows[POWER], rows[CEILING], strict=True)
        )
    ]
    usable = np.flatnonzero(np.isfinite(mean).all(axis=1))
    isbns_now = keys["isbn"].to_numpy(dtype=str)[usable].tolist()
    reader = SumReader(
        _payload(isbns_now, np.stack(distributions)[usable], calibration, run, known)
    )
    return list(_inside(reader, folds.volumes[usable]))


def _payload(
    isbns: list[str],
    distributions: Floats,
    calibration: Mapping[str, Any],
    run: Run,
    known: pd.DataFrame,
) -> Payload:
    """Return a release of these titles, as far as sums need it."""
    n, height, horizon = distributions.shape
    padded = np.zeros((n, height, LONGEST_HORIZON), dtype=np.float32)
    padded[:, :, :horizon] = distributions
    histories = {history.isbn: history.volumes for history in title_histories(known)}
    classes = run.titles.set_index("isbn")["product_class"].reindex(isbns)
    cutoff = known["week"].max().date()
    table = {
        "isbn": isbns,
        "product_class": [None if pd.isna(name) else str(name) for name in classes],
        "model": ["ensemble"] * n,
        "cutoff": [cutoff] * n,
    }
    return Payload(
        manifest={"release": "benchmark", "calibration": dict(calibration)},
        titles=pa.table(table),
        volumes=pa.chunked_array([pa.array([histories[isbn] for isbn in isbns])]),
        mean=padded[:, 0],
        quantiles=padded[:, 1:],
        scores=None,
    )


def _inside(reader: SumReader, volumes: FloatArray) -> Iterator[tuple[str, int, bool]]:
    """Yield whether sales lie in the interval of each sum; missing weeks count in no sum."""
    low, high = (reader.payload.quantiles[:, PROBABILITIES.index(p)] for p in _PROBABILITIES)
    for row, week in zip(*np.nonzero(np.isfinite(volumes)), strict=True):
        yield WEEK_ALONE, 1, bool(low[row, week] <= volumes[row, week] <= high[row, week])
    rows = {isbn: row for row, isbn in enumerate(reader.isbns)}
    by_class = [members for _, members in reader.by_class(reader.isbns)]
    groups = [(TITLE, [isbn]) for isbn in reader.isbns]
    groups += [(CLASS, members) for members in by_class if len(by_class) > 1 < len(members)]
    groups += [(ALL, reader.isbns)] if len(rows) > 1 else []
    for n_weeks in SPANS:
        if n_weeks > volumes.shape[1]:
            continue
        for by, members in groups:
            sold = volumes[[rows[isbn] for isbn in members], :n_weeks]
            known = np.isfinite(sold).all(axis=0)
            if known.sum() > n_weeks / 2:
                weeks = reader.next_weeks(n_weeks)[known]
                least, most = reader.sum_of(members, weeks, _PROBABILITIES).quantiles
                yield by, n_weeks, bool(least <= sold[:, known].sum() <= most)


def section(found: Mapping[str, pd.DataFrame]) -> str:
    """Return the section of the page.

    Args:
        found: By panel, as `sum_coverage` returns it.
    """
    rows = pd.concat([own.assign(panel=name) for name, own in found.items()], ignore_index=True)
    spans = sorted(set(rows["weeks"]))
    table = []
    for name, own in [("over all panels", rows), *rows.groupby("panel", sort=False)]:
        of_kind = {by: own[own["by"] == by] for by in KINDS}
        table += [
            [f"{by}, {name}", *(_share(of, span) for span in spans)]
            for by, of in of_kind.items()
            if len(of)
        ]
    return (
        "## Sums\n\n"
        "Shares of sums over the next weeks that the 80 % interval holds, and their number; beside "
        "them, those of single weeks. Each "
        "rolling origin of a run is forecast with weights, intervals and dependence from the folds "
        f"that end before it, at least {FEWEST_ORIGINS}. Origins overlap, so totals are few that "
        "do not share their weeks. A panel with one product class has no row of classes.\n\n"
        + markdown_table(["sum of weeks", *map(str, spans)], table)
    )


def _share(rows: pd.DataFrame, span: int) -> str:
    own = rows[rows["weeks"] == span]
    return f"{own['inside'].mean():.0%} of {len(own)}" if len(own) else ""
