"""The fits of specifications: the same for the training weeks, for all weeks and for a champion."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.execution.frame_checkpoints import read_or_make
from book_forecast.execution.parallel import FEWEST_QUICK, map_titles
from book_forecast.execution.parts import Part
from book_forecast.forecasters.global_models.forecasts import FORECAST_TYPES, GlobalModels
from book_forecast.forecasters.pretrained import weights_of
from book_forecast.forecasters.promotion_effects import effects_by_title
from book_forecast.forecasters.week_widths import widths_by_title
from book_forecast.options.groups import ExecutionOptions
from book_forecast.options.models import ModelOptions
from book_forecast.pipelines.train.launches import specify_launches
from book_forecast.pipelines.train.titles import (
    TitleFit,
    after_death,
    fit_title,
    is_repeatable,
    specification_of,
)
from book_forecast.releases.distributions import LEVELS
from book_forecast.releases.retraining import (
    REFIT,
    RETUNE,
    Decision,
    is_whole,
    with_decision,
)
from book_forecast.sarima import compile_core
from book_forecast.series.covariates import with_covariates
from book_forecast.series.history import MODEL_HORIZON, forecasts_by_title, title_histories

logger = logging.getLogger(__name__)

MODEL_TYPES = {
    "isbn": "str",
    "model": "str",
    "specification": "str",
    "cutoff": "datetime64[us]",
    "fallback_reason": "str",
    "log_likelihood": "float64",
    "aicc": "float64",
    "state": "str",
}


# A model is fitted only if its forecast is finite, as far ahead as a release forecasts.
CHECKED_LEVELS = (95.0,)


@dataclass(frozen=True)
class FitNodes:
    """The nodes that fit specifications for one purpose.

    Attributes:
        every_title: Whether a title without a specification falls back to a simple model.
        every_family: Whether families without a weight are fitted too, to be scored beside the
            others.
        is_now: Whether the weeks end with the last week of all, after which the promotion plan is
            known. The global model learns the effects of promotions, to be used with any plan.
        levels: Interval levels of the distributions that are made.
        decisions: Titles of a retraining plan that are fitted; None for all titles.
    """

    every_title: bool
    every_family: bool
    is_now: bool
    levels: tuple[float, ...] = CHECKED_LEVELS
    decisions: tuple[Decision, ...] | None = None

    def fit_global_model(
        self,
        weeks: pd.DataFrame,
        titles: pd.DataFrame,
        covariates: pd.DataFrame | None,
        models: ModelOptions,
        checkpoints: CheckpointFolder,
        retraining_plan: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """Fit the global models to all weeks, and forecast as far as any model does.

        A champion with the candidate's options has the same global models on the same weeks, so
        that the fits of both share a checkpoint.

        Args:
            weeks: isbn, week, volume, promotion, asp, rrp.
            titles: isbn, product_class.
            covariates: isbn, week, name, value; None without any.
            models: The families, and the size of the model.
            checkpoints: Forecasts of an earlier fit with the same inputs.
            retraining_plan: isbn, decision: the titles whose forecasts are needed. Unless the plan
                is whole, the boosting has a small fit, which costs a fifth and errs hardly more.

        Returns:
            isbn, family, cutoff, week, mean, `WIDTH`, and `EFFECTS` of promotions where `is_now`.
        """
        model = GlobalModels(titles, ModelOptions.model_validate(models), covariates)
        wanted = self._wanted(retraining_plan)
        if wanted is not None and not wanted:
            return pd.DataFrame(columns=list(FORECAST_TYPES)).astype(FORECAST_TYPES)
        if retraining_plan is not None and not is_whole(retraining_plan):
            model = model.with_small_fit()
        code = code_fingerprint("book_forecast.forecasters.global_models.forecasts")
        return read_or_make(
            checkpoints,
            "fit_global_model",
            fingerprint(model.identity(weeks), MODEL_HORIZON, self.is_now, wanted, code),
            "Models of all titles",
            lambda: model.forecast(
                weeks, weeks["week"].max(), MODEL_HORIZON, is_now=self.is_now, wanted=wanted
            ),
        )

    def _wanted(self, retraining_plan: pd.DataFrame | None) -> list[str] | None:
        """Return the titles of a plan that are fitted; None for all."""
        if retraining_plan is None or self.decisions is None:
            return None
        return with_decision(retraining_plan, *self.decisions)

    def specify_launches(
        self,
        weeks: pd.DataFrame,
        launch_weeks: pd.DataFrame,
        titles: pd.DataFrame,
        launches: pd.DataFrame,
        specifications: pd.DataFrame,
        retraining_plan: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """Add the priors of launches among the titles; see `launches`.

        Args:
            weeks: isbn, week, volume of the titles to fit.
            launch_weeks: isbn, week, volume, rrp of the panel's launches.
            titles: isbn, product_class and what else is known of each.
            launches: isbn, publication_date, comparable, print_run; may be empty.
            specifications: One row per title, as tune writes them.
            retraining_plan: isbn, decision: the titles to fit; None for all.
        """
        wanted = self._wanted(retraining_plan)
        if wanted is not None:
            specifications = specifications[specifications["isbn"].isin(wanted)]
        return specify_launches(
            *(weeks, launch_weeks, titles, launches, specifications),
            every_title=self.every_title,
            wanted=wanted,
        )

    def fit_titles(
        self,
        weeks: pd.DataFrame,
        specifications: pd.DataFrame,
        calibration: Mapping[str, Any],
        global_forecasts: pd.DataFrame,
        covariates: pd.DataFrame | None,
        models: ModelOptions,
        execution: ExecutionOptions,
        checkpoints: CheckpointFolder,
    ) -> Part:
        """Fit the specification of each title of this shard.

        Args:
            weeks: isbn, week, volume.
            specifications: One row per title, as `specify_launches` returns them.
            calibration: Calibration of the ensembles' intervals, as tune writes it.
            global_forecasts: As `fit_global_model` returns them.
            covariates: isbn, week, name, value; None without any.
            models: The families to fit.
            execution: Processes and shard.
            checkpoints: Finished titles, from which a stopped run resumes.

        Returns:
            One row per title: the family, its state as JSON, the reason of a fallback and, with
            all `LEVELS`, the distribution of the weeks ahead, shape ((1 + 17) * 104,).
        """
        models = ModelOptions.model_validate(models)
        generation = fingerprint(
            [weeks[["isbn", "week", "volume"]], specifications, calibration],
            [global_forecasts, covariates, self],
            [models.families, models.calendar, models.alive_weeks, models.regressors],
            [models.pretrained, weights_of(models)],
            code_fingerprint(__name__),
        )
        rows: dict[str, Any] = {row["isbn"]: row for row in specifications.to_dict("records")}
        by_title = forecasts_by_title(global_forecasts)
        effects = effects_by_title(global_forecasts)
        widths = widths_by_title(global_forecasts)
        histories = execution.shard.take(title_histories(weeks))
        tasks = [
            TitleFit(
                history=history,
                specification=specification_of(rows.get(history.isbn), calibration),
                models=models,
                levels=self.levels,
                every_family=self.every_family,
                global_forecasts=max(by_title.get(history.isbn, {}).items(), default=(0, {}))[1],
                promotion_effects=effects.get(history.isbn, {}),
                widths=widths.get(history.isbn),
            )
            for history in with_covariates(histories, covariates, models.regressors)
            if self.every_title or history.isbn in rows
        ]
        found = map_titles(
            fit_title,
            tasks,
            execution.n_jobs,
            "Fitting",
            on_death=after_death,
            prepare=compile_core,
            fewest=FEWEST_QUICK,
            chunk=8,
            checkpoint=checkpoints.open("fit_titles", generation, is_final=is_repeatable),
        )
        families = Counter(row["model"] for row in found)
        logger.info(
            "Fitted %d titles up to %s (%s)",
            len(found),
            max((row["cutoff"] for row in found), default="no week"),
            ", ".join(f"{n} {name}" for name, n in families.most_common()),
        )
        has_distributions = len(self.levels) == len(LEVELS)
        types = MODEL_TYPES | ({"distribution": "object"} if has_distributions else {})
        fitted = pd.DataFrame(found, columns=list(types)).astype(types)
        return Part(fitted, generation, execution.shard)


SCORED = FitNodes(every_title=True, every_family=True, is_now=False)
"""The candidate on the training weeks, to be scored."""
COMPARED = FitNodes(every_title=False, every_family=False, is_now=False)
"""The champion on the same weeks, to be compared."""
RELEASED = FitNodes(every_title=True, every_family=False, is_now=True, levels=LEVELS)
"""The candidate on all weeks, to be released."""
SCORED_ANEW = replace(SCORED, decisions=(RETUNE,))
"""The same of a candidate that follows a plan: only titles with other models are scored anew."""
COMPARED_ANEW = replace(COMPARED, decisions=(RETUNE,))
"""The champion's models of these titles."""
RELEASED_ANEW = replace(RELEASED, decisions=(REFIT, RETUNE))
"""All titles of the plan that are fitted."""
