"""Nodes of the evaluate pipeline that hold the candidate against the champion.

Releases are fitted on all weeks, the test weeks among them. So not releases are compared, but
specifications: the candidate's and the champion's, each estimated on the same training weeks.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.backtesting.metrics import ALL_TITLES, score_forecasts
from book_forecast.execution.checkpoints import KeepFolder
from book_forecast.execution.fingerprints import fingerprint, source_fingerprint
from book_forecast.execution.parallel import map_titles
from book_forecast.execution.shards import Part, Shard
from book_forecast.forecasters.calibration import Calibration
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.frames import TitleForecast, forecast_frame
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.options.groups import EvaluateOptions, PromoteOptions, ShardOptions
from book_forecast.payload.contents import Payload
from book_forecast.pipelines.evaluate.champion_ensembles import (
    ChampionEnsemble,
    Members,
    forecast_ensemble,
    said_by_members,
)
from book_forecast.pipelines.evaluate.nodes import CODE, KINDS, TitleEvaluation, evaluate_title
from book_forecast.pipelines.train.nodes import CODE as FIT_CODE
from book_forecast.pipelines.train.titles import (
    CHECKED_LEVELS,
    TitleFit,
    chosen_candidate,
    fit_title,
)
from book_forecast.releases.gates import Errors, judge
from book_forecast.sarima import Specification, compile_core
from book_forecast.series.history import History, title_histories
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

CHAMPION, CANDIDATE = "champion", "candidate"
# Weights that differ by less come from the same choice.
SAME_WEIGHT = 0.01


@dataclass(frozen=True)
class Choice:
    """What a release has chosen for a title."""

    family: str
    candidate: Candidate | None
    weights: tuple[tuple[str, float], ...] = ()

    def is_like(self, other: Choice | None) -> bool:
        """Whether both lead to the same forecasts, but for what rounding leaves of weights."""
        if other is None or (self.family, self.candidate) != (other.family, other.candidate):
            return False
        mine, theirs = dict(self.weights), dict(other.weights)
        return all(
            abs(mine.get(name, 0.0) - theirs.get(name, 0.0)) < SAME_WEIGHT
            for name in mine.keys() | theirs.keys()
        )


@dataclass(frozen=True)
class ChampionTask:
    """One title's work, complete for another process."""

    champion: str
    fit: TitleFit
    horizon: int
    levels: Sequence[float]
    options: EvaluateOptions

    @property
    def isbn(self) -> str:
        """The title."""
        return self.fit.isbn


def forecast_with_champion(
    training_weeks: pd.DataFrame,
    specifications: pd.DataFrame,
    champion: Payload | None,
    options: EvaluateOptions,
    split_size: int,
    levels: list[float],
    alive_weeks: int,
    n_jobs: int,
    shard: ShardOptions,
    ensembles: pd.DataFrame | None = None,
    test_forecasts: pd.DataFrame | None = None,
    fold_forecasts: pd.DataFrame | None = None,
    finished: KeepFolder | None = None,
) -> tuple[Part, Part]:
    """Forecasts known weeks with the champion's specifications where they are not the candidate's.

    Args:
        training_weeks: isbn, week, volume.
        specifications: The candidate's, one row a title, as tune writes them.
        champion: The release to compare with; None where there is none.
        options: The rolling origins.
        split_size: Test weeks, and the horizon of the rolling origins.
        levels: Interval levels in percent.
        alive_weeks: A title without a sale in as many weeks forecasts zero.
        n_jobs: Processes.
        shard: This run's part of the titles.
        ensembles: The candidate's, one row a title.
        test_forecasts: What all families say of the test weeks.
        fold_forecasts: What they say of the folds' weeks.
        finished: Where finished titles are kept, so that a stopped run goes on.

    Returns:
        Two forecasts frames, of the test weeks and of the rolling origins, with the champion's id
        as the model. Titles with the same specification in both are not in them.
    """
    part = Shard(shard.index, shard.count)
    theirs = choices(champion)
    rows: dict[str, Any] = {row["isbn"]: row for row in specifications.to_dict("records")}
    ours = {isbn: Choice(row["model"], chosen_candidate(row)) for isbn, row in rows.items()}
    for row in [] if ensembles is None else ensembles.to_dict("records"):
        weights = _weights(json.loads(row["weights"]))
        candidate = ours[row["isbn"]].candidate if Sarima.family in dict(weights) else None
        ours[row["isbn"]] = Choice(Ensemble.family, candidate, weights)
    tasks: list[ChampionTask | ChampionEnsemble] = []
    name = champion.release if champion else ""
    differing = [
        history
        for history in part.take(title_histories(training_weeks))
        if history.isbn in theirs and not theirs[history.isbn].is_like(ours.get(history.isbn))
    ]
    of_ensembles = [h for h in differing if theirs[h.isbn].family == Ensemble.family]
    for history in differing:
        choice = theirs[history.isbn]
        if choice.family != Ensemble.family:
            fit = TitleFit(history, *_parts(choice), None, alive_weeks, CHECKED_LEVELS)
            tasks.append(ChampionTask(name, fit, split_size, levels, options))
    if champion is not None and test_forecasts is not None and fold_forecasts is not None:
        isbns = [history.isbn for history in of_ensembles]
        said = said_by_members(test_forecasts, fold_forecasts, isbns)
        states = _states(champion, isbns)
        for history in of_ensembles:
            isbn = history.isbn
            if isbn in said:
                pair = theirs[isbn], ours.get(isbn)
                tasks.append(_ensemble_task(name, history, *pair, states[isbn], said[isbn], levels))
    generation = fingerprint(
        training_weeks[["isbn", "week", "volume"]],
        specifications,
        name,
        options,
        [ensembles, test_forecasts, fold_forecasts],
        [split_size, levels, alive_weeks],
        source_fingerprint(*CODE, *FIT_CODE),
    )
    found = map_titles(
        _evaluate,
        tasks,
        n_jobs,
        "Comparing",
        on_death=lambda _: ([], []),
        prepare=compile_core,
        chunk=4,
        keep=finished.keep("forecast_with_champion", generation, *KINDS) if finished else None,
    )
    tested = forecast_frame([item for test, _ in found for item in test], levels)
    rolled = forecast_frame([item for _, rolling in found for item in rolling], levels)
    return Part(tested, generation, part), Part(rolled, generation, part)


def choices(release: Payload | None) -> dict[str, Choice]:
    """What a release has chosen, by ISBN."""
    if release is None:
        return {}
    columns = release.titles.select(["isbn", "model", "state"]).to_pylist()
    return {row["isbn"]: _choice(row["model"], json.loads(row["state"])) for row in columns}


def _states(release: Payload, isbns: Collection[str]) -> dict[str, dict[str, Any]]:
    """States of some titles' models, by ISBN."""
    wanted = set(isbns)
    rows = release.titles.select(["isbn", "state"]).to_pylist()
    return {row["isbn"]: json.loads(row["state"]) for row in rows if row["isbn"] in wanted}


def _ensemble_task(
    champion: str,
    history: History,
    theirs: Choice,
    ours: Choice | None,
    state: Mapping[str, Any],
    said: Mapping[np.datetime64, Members],
    levels: Sequence[float],
) -> ChampionEnsemble:
    same = ours is not None and ours.candidate == theirs.candidate
    return ChampionEnsemble(
        champion=champion,
        history=history,
        weights=dict(theirs.weights),
        candidate=None if same else theirs.candidate,
        calibration=Calibration.from_state(state["calibration"]),
        spread=float(state["spread"]),
        said=said,
        levels=levels,
    )


def _weights(weights: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Weights in an order of their own; none of those that count for nothing."""
    return tuple(sorted((name, float(share)) for name, share in weights.items() if share))


def _choice(family: str, state: Mapping[str, Any]) -> Choice:
    if family == Ensemble.family:
        members = state["members"]
        weights = _weights({name: entry["weight"] for name, entry in members.items()})
        sarima = members.get(Sarima.family)
        candidate = _choice(Sarima.family, sarima["state"]).candidate if sarima else None
        return Choice(family, candidate, weights)
    if family != Sarima.family:
        return Choice(family, None)
    specification = Specification(**state["specification"])
    return Choice(family, Candidate(specification, state["transform"]["name"]))


def _parts(choice: Choice) -> tuple[str, Candidate | None]:
    return choice.family, choice.candidate


def _evaluate(
    task: ChampionTask | ChampionEnsemble,
) -> tuple[list[TitleForecast], list[TitleForecast]]:
    if isinstance(task, ChampionEnsemble):
        return forecast_ensemble(task)
    row = fit_title(task.fit)
    test, rolling = evaluate_title(
        TitleEvaluation(
            history=task.fit.history,
            family=row["model"],
            state=json.loads(row["state"]),
            horizon=task.horizon,
            levels=task.levels,
            options=task.options,
        )
    )

    def own(forecasts: list[TitleForecast]) -> list[TitleForecast]:
        """Without the baselines'."""
        return [replace(i, model=task.champion) for i in forecasts if i.model == row["model"]]

    return own(test), own(rolling)


def judge_release(
    candidate: Payload,
    champion: Payload | None,
    test_forecasts: pd.DataFrame,
    backtest_forecasts: pd.DataFrame,
    champion_test_forecasts: pd.DataFrame,
    champion_backtest_forecasts: pd.DataFrame,
    training_models: pd.DataFrame,
    model_input: pd.DataFrame,
    score_table: pd.DataFrame,
    metrics: dict[str, float],
    levels: list[float],
    options: PromoteOptions,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Decides whether the candidate becomes champion.

    Args:
        candidate: The release that was trained.
        champion: The one there is.
        test_forecasts: Of the test weeks, with the candidate's specifications and the baselines.
        backtest_forecasts: The same from rolling origins.
        champion_test_forecasts: As `forecast_with_champion` returns them.
        champion_backtest_forecasts: The same from rolling origins.
        training_models: Tells which model was chosen for each title.
        model_input: isbn, week, volume of all weeks.
        score_table: Errors on the test weeks, one row a title.
        metrics: Scores over all titles.
        levels: Interval levels in percent.
        options: The gates.

    Returns:
        The scores to add to the candidate (release, table, summary), and the verdict as plain data.

    Raises:
        UserError: If another release has become champion since the forecasts were made.
    """
    errors = None
    if champion is not None:
        own = pd.concat([test_forecasts, backtest_forecasts], ignore_index=True)
        own = own.merge(training_models[["isbn", "model"]], on=["isbn", "model"])
        theirs = _forecasts_of(champion, champion_test_forecasts, champion_backtest_forecasts)
        known = choices(champion)
        common = own[own["isbn"].isin(known)]
        same = common[~common["isbn"].isin(theirs["isbn"])]
        both = [common.assign(model=CANDIDATE), same.assign(model=CHAMPION), theirs]
        scores = score_forecasts(
            pd.concat(both, ignore_index=True), model_input, model_input, levels
        )
        has = set(candidate.titles["isbn"].to_pylist())
        errors = replace(_errors(scores), titles=len(has & known.keys()) / max(len(known), 1))
    verdict = judge(
        candidate.release, champion.release if champion else None, metrics, errors, options
    )
    for line in verdict.told():
        logger.info("%s", line)
    columns = ["isbn", "wape", "mase", "seasonal_naive_wape", "seasonal_naive_mase"]
    scored = {"release": candidate.release, "table": score_table[columns], "summary": metrics}
    return scored, verdict.model_dump(mode="json")


def _forecasts_of(champion: Payload, *frames: pd.DataFrame) -> pd.DataFrame:
    """The champion's forecasts; an error if they are those of one that has gone since."""
    theirs = pd.concat(frames)
    if others := sorted(set(theirs["model"]) - {champion.release}):
        raise UserError(
            f"The champion is {champion.release} by now, but the candidate was compared with "
            f"{', '.join(others)}: run the evaluate pipeline again."
        )
    return theirs.assign(model=CHAMPION)


def _errors(scores: pd.DataFrame) -> Errors:
    """The candidate's and the champion's errors, per title over all cutoffs, and over all."""
    test = scores[(scores["cutoff"] == scores["cutoff"].max()) & (scores["isbn"] == ALL_TITLES)]
    wape = test[test["metric"] == "wape"].set_index("model")["value"]
    titles = scores[(scores["metric"] == "mase") & (scores["isbn"] != ALL_TITLES)]
    wide = titles.pivot_table(index="isbn", columns="model", values="value", aggfunc="mean")
    wide = wide.reindex(columns=[CANDIDATE, CHAMPION]).dropna()
    return Errors(
        candidate=float(wape.get(CANDIDATE, np.nan)),
        champion=float(wape.get(CHAMPION, np.nan)),
        candidate_by_title=tuple(wide[CANDIDATE]),
        champion_by_title=tuple(wide[CHAMPION]),
    )
