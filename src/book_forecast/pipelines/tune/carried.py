"""Nodes that carry what titles have of a former tuning, or of the champion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from book_forecast.execution.fingerprints import fingerprint
from book_forecast.execution.parts import Part
from book_forecast.forecasters.ensemble import POWER
from book_forecast.forecasters.week_widths import WIDTH
from book_forecast.payload.contents import Payload
from book_forecast.pipelines.tune.effort import CHOICE_TYPES
from book_forecast.pipelines.tune.strata import STRATUM
from book_forecast.pipelines.tune.weighting import SPECIFICATION_TYPES
from book_forecast.releases.retraining import REFIT, RETUNE, is_whole, with_decision
from book_forecast.releases.training_notes import NOTES, OF_TUNING, START, TUNING

PLANNED_TYPES = {**SPECIFICATION_TYPES, START: "str", TUNING: "str"}


def carry_families(
    refresh_family_choice: pd.DataFrame,
    former_family_choice: pd.DataFrame | None,
    refresh_strata: pd.DataFrame,
    retraining_plan: pd.DataFrame,
) -> pd.DataFrame:
    """Return the families of each title: its own or its stratum's of the former tuning.

    Args:
        refresh_family_choice: A choice without a sample, or that of a whole plan.
        former_family_choice: isbn, stratum, families; None without a former tuning.
        refresh_strata: isbn and the columns of the strata.
        retraining_plan: isbn, decision.

    Returns:
        As `choose_families`.
    """
    former = former_family_choice
    if former is None or former.empty or is_whole(retraining_plan):
        return refresh_family_choice
    strata = refresh_strata.set_index("isbn")[STRATUM].agg(", ".join, axis=1)
    of_title = former.drop_duplicates("isbn").set_index("isbn")["families"]
    of_stratum = former.groupby("stratum")["families"].agg(lambda texts: texts.mode().iloc[0])
    choice = refresh_family_choice.copy()
    stratum = choice["isbn"].map(strata)
    choice["families"] = (
        choice["isbn"].map(of_title).fillna(stratum.map(of_stratum)).fillna(choice["families"])
    )
    return choice.assign(stratum=stratum)[list(CHOICE_TYPES)].astype(CHOICE_TYPES)


def merge_tuning(
    refresh_folds: pd.DataFrame,
    refresh_seasons: pd.DataFrame,
    refresh_orders: pd.DataFrame,
    former_fold_forecasts: pd.DataFrame | None,
    former_seasons: pd.DataFrame | None,
    former_sarima_orders: pd.DataFrame | None,
    training_weeks: pd.DataFrame,
    retraining_plan: pd.DataFrame,
) -> tuple[Part, Part, Part]:
    """Put the tables of the titles that were tuned anew in place of their former rows.

    Args:
        refresh_folds: Out-of-fold forecasts of these titles.
        refresh_seasons: Their seasons.
        refresh_orders: Their orders.
        former_fold_forecasts: Those of all titles; None without a former tuning.
        former_seasons: The same.
        former_sarima_orders: The same.
        training_weeks: isbn, week, volume: other titles are left out.
        retraining_plan: isbn, decision.

    Returns:
        The three tables of all titles.
    """
    retuned = set(with_decision(retraining_plan, RETUNE))
    lengths = training_weeks.groupby("isbn").size()
    stay = set() if is_whole(retraining_plan) else set(lengths.index) - retuned

    if former_fold_forecasts is not None and WIDTH in refresh_folds:
        # Folds of a tuning before widths were known do without them.
        former_fold_forecasts = former_fold_forecasts.reindex(
            columns=[*former_fold_forecasts.columns.union([WIDTH], sort=False)]
        )
    pairs = (
        (refresh_folds, former_fold_forecasts),
        (refresh_seasons, former_seasons),
        (refresh_orders, former_sarima_orders),
    )
    # A former tuning of another layout goes as a whole: its titles would have one table of three.
    alike = all(old is None or set(old.columns) == set(new.columns) for new, old in pairs)

    def merged(new: pd.DataFrame, former: pd.DataFrame | None) -> pd.DataFrame:
        if former is None or not stay:
            return new
        kept = former[former["isbn"].isin(stay)]
        if not alike:
            return kept if refresh_orders.empty else new
        if new.empty or kept.empty:
            return kept.reset_index(drop=True) if new.empty else new
        whole = pd.concat([kept, new[list(kept.columns)]], ignore_index=True)
        return whole.sort_values("isbn", kind="stable", ignore_index=True)

    folds, seasons, orders = (merged(new, former) for new, former in pairs)
    seasons = seasons.assign(n_weeks=seasons["isbn"].map(lengths).astype("int64"))
    tables = (folds, seasons, orders)
    first, second, third = (Part(table, fingerprint(table)) for table in tables)
    return first, second, third


def merge_specifications(
    refresh_specifications: pd.DataFrame,
    refresh_calibration: Mapping[str, Any],
    champion: Payload | None,
    retraining_plan: pd.DataFrame,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the specifications of the titles that are trained, and the calibration.

    A title that is fitted again retains its specification, and starts from its former coefficients.
    The calibration is new if any title is tuned anew, otherwise the champion's. The scale of a
    title's residuals comes from the same calibration.

    Args:
        refresh_specifications: Of all titles, as `weigh_planned` returns them.
        refresh_calibration: The same.
        champion: The release; None where there is none.
        retraining_plan: isbn, decision.

    Returns:
        Specifications with `start` and `tuning`, and the calibration as plain data.
    """
    retuned = set(with_decision(retraining_plan, RETUNE))
    refitted = set(with_decision(retraining_plan, REFIT))
    rows = refresh_specifications[refresh_specifications["isbn"].isin(retuned)]
    calibration = dict(refresh_calibration)
    if champion is not None and not retuned:
        calibration = dict(champion.manifest.get("calibration", {}))
    carried = [] if champion is None else _carried(champion, refitted)
    if retuned:
        carried = _on_new_scale(carried, refresh_specifications)
    kept = pd.DataFrame(carried, columns=list(PLANNED_TYPES))
    both = [frame for frame in (rows.reindex(columns=list(PLANNED_TYPES)), kept) if len(frame)]
    whole = pd.concat(both, ignore_index=True) if both else kept
    return whole.astype(PLANNED_TYPES).sort_values("isbn", ignore_index=True), calibration


def _carried(champion: Payload, refitted: set[str]) -> list[dict[str, Any]]:
    """Return the champion's specifications of some titles, with coefficients and notes."""
    if champion.specifications is None:
        return []
    of_title = champion.titles.select(["isbn", "model", "state"]).to_pylist()
    starts = {row["isbn"]: _start(row["state"]) for row in of_title if row["isbn"] in refitted}
    found = []
    for item in champion.specifications.to_pylist():
        if item["isbn"] in starts:
            row = json.loads(item["specification"])
            notes = row.pop(NOTES, None) or {}
            own = {name: notes[name] for name in OF_TUNING if name in notes}
            found.append({**row, START: starts[item["isbn"]], TUNING: json.dumps(own)})
    return found


def _on_new_scale(rows: list[dict[str, Any]], specifications: pd.DataFrame) -> list[dict[str, Any]]:
    """Return specifications with the scales of others, where these have the titles."""
    names = ["spread", POWER]
    known = specifications.dropna(subset=names)
    scales = dict(zip(known["isbn"], known[names].to_dict("records"), strict=True))
    return [row | scales.get(row["isbn"], {}) for row in rows]


def _start(state: str) -> str | None:
    """Return the coefficients of a state's SARIMA model as JSON; None without one."""
    content = json.loads(state)
    member = content.get("members", {}).get("sarima", {}).get("state", content)
    arma = member.get("arma")
    return None if not isinstance(arma, list) else json.dumps(arma)
