"""The node that compares champion and challenger on the weeks since the challenge began."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from book_forecast.monitoring.arms import Pair, compare_weeks, score_served, weigh
from book_forecast.monitoring.paired_test import Evidence
from book_forecast.monitoring.recorded import Partitions, Recorded, read_or_note, weekly_grid
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.releases.challenges import Challenge
from book_forecast.series.history import WEEK

logger = logging.getLogger(__name__)


def compare_arms(
    challenge: Mapping[str, Any] | None,
    recorded_forecasts: Partitions | None,
    challenger_forecasts: Partitions | None,
    served_forecasts: Partitions | None,
    model_input: pd.DataFrame | None,
    release_weeks: pd.DataFrame | None,
    monitor: MonitorOptions,
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Compare the forecasts of champion and challenger, on all titles that both forecast.

    Both forecast every title each week, whichever of them answers for it. So the arms are compared
    on the same titles and weeks, which shows far more than two groups of titles would.

    Args:
        challenge: The one that runs; None without one.
        recorded_forecasts: Tables of the champion by release and cutoff; None without any.
        challenger_forecasts: The same of the challenger.
        served_forecasts: Tables that services have logged, by time; None without any.
        model_input: isbn, week, volume.
        release_weeks: The same of the release's other titles.
        monitor: Weeks of served forecasts, and the error of the test.

    Returns:
        The state of the test, its weeks with the evidence after each, and what was served by arm.
    """
    known = weekly_grid(model_input, release_weeks).dropna(subset="volume")
    damaged: list[str] = []
    answers = _served(served_forecasts, known, monitor.monitored_weeks, damaged)
    served = score_served(answers, known)
    running = None if challenge is None else Challenge.model_validate(challenge)
    arms = (Recorded.of(recorded_forecasts), Recorded.of(challenger_forecasts))
    pairs = () if running is None else _pairs(running, *arms)
    weeks, found = weigh(compare_weeks(pairs, known), monitor.false_verdicts)
    weeks.insert(0, "test", pd.Series("" if running is None else str(running.test), weeks.index))
    damaged += [problem for arm in arms for problem in arm.damaged]
    if running is None:
        message = "No release challenges the champion."
        none: dict[str, Any] = {"test": None, "verdict": "none", "message": message, "metrics": {}}
        return {**none, "damaged": damaged}, weeks, served
    state = _state(running, weeks, found)
    logger.info("%s", state["message"])
    return {**state, "damaged": damaged}, weeks, served


def _pairs(challenge: Challenge, champion: Recorded, challenger: Recorded) -> Iterator[Pair]:
    """Yield the forecasts of both releases from each cutoff since the challenge began."""
    columns = ["isbn", "week", "mean"]
    for cutoff, releases in challenger.tables.items():
        if cutoff < pd.Timestamp(challenge.since) or challenge.release not in releases:
            continue
        ours = champion.read(cutoff, challenge.champion)
        theirs = challenger.read(cutoff, challenge.release)
        if ours is not None and theirs is not None:
            yield Pair(cutoff, ours[columns], theirs[columns])


def _served(
    tables: Partitions | None, known: pd.DataFrame, n_weeks: int, damaged: list[str]
) -> Iterator[pd.DataFrame]:
    """Yield the tables of served forecasts since some weeks before the newest sales.

    The name of a table begins with the day on which it was written.
    """
    newest = known["week"].max()
    first = "" if pd.isna(newest) else f"{newest - n_weeks * WEEK:%Y-%m-%d}"
    for name, read in sorted((tables or {}).items()):
        if name >= first and (table := read_or_note(read, damaged)) is not None:
            yield table


def _state(challenge: Challenge, weeks: pd.DataFrame, found: Evidence) -> dict[str, Any]:
    """Return the state of the test, as a document has it."""
    sums = weeks[["sold", "champion_error", "challenger_error"]].sum()
    sold = float(sums["sold"])
    wapes = [float(sums[f"{arm}_error"]) / sold if sold else None for arm in _ARMS]
    decided = found.decided
    differ = weeks[weeks["scale"].notna()]
    last = weeks.iloc[-1] if len(weeks) else None
    evidence = {
        side: 1.0 if last is None else float(last[f"evidence_{side}"]) for side in ("win", "lose")
    }
    n_weeks = int(weeks["weeks"].sum())
    metrics = {f"evidence_{side}": value for side, value in evidence.items()}
    metrics |= {"evidence_needed": found.needed, "weeks_compared": float(n_weeks)}
    metrics |= {
        f"{arm}_wape": wape for arm, wape in zip(_ARMS, wapes, strict=True) if wape is not None
    }
    return {
        "test": challenge.test,
        "champion": challenge.champion,
        "challenger": challenge.release,
        "share": challenge.share,
        "verdict": found.verdict,
        "decided": None if decided is None else f"{differ['week'].iloc[decided]:%Y-%m-%d}",
        "message": _message(challenge, found.verdict, n_weeks, wapes, evidence, found.needed),
        "metrics": metrics,
    }


_ARMS = ("champion", "challenger")
_WORDS = {"win": "has won", "lose": "has lost", "go on": "has neither won nor lost"}


def _message(
    challenge: Challenge,
    verdict: str,
    n_weeks: int,
    wapes: list[float | None],
    evidence: Mapping[str, float],
    needed: float,
) -> str:
    if not n_weeks:
        return f"{challenge.release} challenges {challenge.champion}: no week since has sales yet."
    ours, theirs = ("-" if wape is None else f"{wape:.3f}" for wape in wapes)
    return (
        f"{challenge.release} {_WORDS[verdict]} after {n_weeks} weeks: WAPE {theirs}, champion "
        f"{ours}; evidence {evidence['win']:.3g} for it, {evidence['lose']:.3g} against, of "
        f"{needed:g}."
    )
