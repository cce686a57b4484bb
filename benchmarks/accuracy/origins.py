"""Runs of `kedro run` for a panel, one for each test cutoff, in data roots of their own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.accuracy import published, rivals
from benchmarks.accuracy.panels import RAW, Panel
from benchmarks.runs import PROJECT, watch
from book_forecast.datasets import GenerationDataset
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.forecasters.ensemble import Ensemble

LEVELS = (1, 20, 40, 60, 80, 95)
"""Of the intervals: their bounds are the quantiles 0.1 to 0.9; level 1 encloses the median."""

OURS = "book_forecast"
_DONE = "benchmark.json"
_CODE = tuple(
    f"book_forecast.pipelines.{name}.nodes"
    for name in ("ingest", "preprocess", "tune", "train", "evaluate")
)
_DEFAULT_HORIZON, _SHARE = 13, 10


@dataclass(frozen=True)
class Settings:
    """What all runs share.

    Attributes:
        work: Folder of the data roots.
        quick: Whether runs are small.
        parameters: Further parameters of every `kedro run`, by name.
    """

    work: Path
    quick: bool = False
    parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Origin:
    """A panel's results at one test cutoff.

    Attributes:
        root: The data root of the run.
        forecasts: isbn, week, cutoff, model, mean and bounds; `OURS` is the chosen model.
        weeks: isbn, week, volume: all weeks up to the last test week.
        ensembles: ISBNs that an ensemble forecasts; others follow a rule, such as zero copies.
        listed: Number of titles in the export.
        seconds: Wall time of the run.
        core_seconds: Its process time.
    """

    root: Path
    forecasts: pd.DataFrame
    weeks: pd.DataFrame
    ensembles: frozenset[str]
    listed: int
    seconds: float
    core_seconds: float


def run_panel(panel: Panel, settings: Settings) -> list[Origin]:
    """Run a panel at all its test cutoffs, the latest first.

    Finished runs with the same data, parameters and code are read, not repeated.

    Raises:
        SystemExit: A run fails.
    """
    first = settings.work / panel.name / "0"
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{settings.work.absolute()}/mlflow.db"
    panel.write(first, settings.quick)
    horizon, count, last = _plan(panel, first, settings)
    found = []
    for k in range(count):
        root = settings.work / panel.name / str(k)
        if k:
            shutil.copytree(first / RAW, root / RAW, dirs_exist_ok=True)
        cutoff = None if last is None or not k else last - pd.Timedelta(weeks=k * horizon)
        found.append(_run(panel, root, run_parameters(panel, horizon, cutoff, settings), settings))
    return found


def _plan(panel: Panel, root: Path, settings: Settings) -> tuple[int, int, pd.Timestamp | None]:
    """Return the horizon, the number of cutoffs, and the last week where one must be known."""
    options = panel.options
    theirs = published.PUBLISHED.get(options.gift_eval or "", {}).get("horizon")
    horizon = options.horizon or theirs
    count = options.origins or (None if options.gift_eval else 1)
    if settings.quick:
        count = 1
    if horizon and count == 1:
        return horizon, 1, None
    watch("run", "--pipeline", "ingest", "--params", f"data_root={root}")
    sales = pd.read_parquet(root / "03_primary/weekly_sales.parquet", columns=["isbn", "week"])
    span = (sales["week"].max() - sales["week"].min()).days // 7 + 1
    horizon = horizon or max(1, min(_DEFAULT_HORIZON, span // _SHARE))
    if count is None:
        ends = sales.groupby("isbn")["week"].agg(["min", "max"])
        shortest = int((ends["max"] - ends["min"]).dt.days.min() // 7 + 1)
        count = published.windows(options.gift_eval or "", shortest, horizon)
    return horizon, count, sales["week"].max()


def run_parameters(
    panel: Panel, horizon: int, cutoff: pd.Timestamp | None, settings: Settings
) -> dict[str, Any]:
    """Return parameters of a run by name."""
    options = panel.options
    found: dict[str, Any] = {
        "selection.titles": options.titles,
        "backtest.split_size": horizon,
        "forecast.horizon": horizon,
        "forecast.levels": ",".join(map(str, LEVELS)),
        "models.calendar": options.calendar,
        "models.regressors.promotions_known": options.promotions_known,
        "models.regressors.future": options.future,
        **{f"models.regressors.futures.{name}": how for name, how in options.futures.items()},
        # Fallbacks are scored like all else.
        "execution.min_success_rate": 0,
        "reporting.max_title_plots": 0,
        "reporting.max_child_runs": 0,
    }
    if cutoff is not None:
        found["selection.cutoff_date"] = cutoff.date().isoformat()
    if settings.quick and not panel.is_generated:
        found |= {"selection.titles": "top", "selection.max_titles": 4}
    return {**found, **options.parameters, **(settings.parameters or {})}


def _run(panel: Panel, root: Path, parameters: dict[str, Any], settings: Settings) -> Origin:
    """Run one cutoff unless it is done, and the rivals after it."""
    key = _fingerprint(root, parameters)
    done = root / _DONE
    facts = json.loads(done.read_text(encoding="utf-8")) if done.exists() else {}
    if facts.get("key") != key:
        if facts:
            _clear(root)
        pairs = ",".join(f"{name}={_text(value)}" for name, value in parameters.items())
        seen = watch("run", "--params", f"data_root={root},{pairs}")
        facts = {"key": key, "seconds": seen.wall, "core_seconds": seen.core_seconds}
    origin = _read(root, facts)
    rivals_of = root / "rivals.parquet"
    if not done.exists():
        if panel.has_rivals:
            most = rivals.QUICK_SERIES if settings.quick else rivals.SERIES
            horizon = int(parameters["backtest.split_size"])
            _rivals(origin, horizon, most).to_parquet(rivals_of)
        # Last, and at once: what is there is complete.
        part = done.with_suffix(".part")
        part.write_text(json.dumps(facts), encoding="utf-8")
        part.replace(done)
    if not panel.has_rivals:
        return origin
    theirs = pd.read_parquet(rivals_of)
    together = pd.concat([origin.forecasts, theirs], ignore_index=True)
    return replace(origin, forecasts=together)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fingerprint(root: Path, parameters: Mapping[str, Any]) -> str:
    """Return a digest of the data, the parameters and the code."""
    folders = (root / RAW, PROJECT / "conf/base")
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    contents = [
        (path.name, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in (*files, Path(rivals.__file__))
    ]
    return fingerprint(contents, dict(parameters), [code_fingerprint(name) for name in _CODE])


def _clear(root: Path) -> None:
    """Remove all results of another state of the code or data."""
    for path in root.iterdir():
        if path.is_dir() and path.name != RAW:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


def _read(root: Path, facts: Mapping[str, Any]) -> Origin:
    forecasts: pd.DataFrame = GenerationDataset(
        filepath=str(root / "07_model_output/test_forecasts")
    ).load()
    models: pd.DataFrame = GenerationDataset(
        filepath=str(root / "06_models/training_models")
    ).load()
    chosen = forecasts.merge(models[["isbn", "model"]], on=["isbn", "model"]).assign(model=OURS)
    families = forecasts[forecasts["model"] != Ensemble.family]
    weeks = pd.read_parquet(root / "05_model_input/model_input.parquet")
    return Origin(
        root=root,
        forecasts=pd.concat([chosen, families], ignore_index=True),
        weeks=weeks[["isbn", "week", "volume"]],
        ensembles=frozenset(models.loc[models["model"] == Ensemble.family, "isbn"]),
        listed=len(pd.read_parquet(root / "03_primary/titles.parquet", columns=["isbn"])),
        seconds=float(facts["seconds"]),
        core_seconds=float(facts["core_seconds"]),
    )


def _rivals(origin: Origin, horizon: int, most: int) -> pd.DataFrame:
    cutoff = origin.forecasts["cutoff"].max()
    isbns = origin.forecasts["isbn"].drop_duplicates()
    past = origin.weeks[(origin.weeks["week"] <= cutoff) & origin.weeks["isbn"].isin(isbns)]
    return rivals.forecast(past, horizon, [level for level in LEVELS if level > 1], most)
