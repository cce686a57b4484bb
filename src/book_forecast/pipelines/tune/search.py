"""The search for one title's specification: Optuna over the space, scored on rolling origins."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from book_forecast.backtesting.rolling_origins import Fold
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.options.groups import TuneOptions
from book_forecast.pipelines.tune.dropping import FarBehindPruner
from book_forecast.pipelines.tune.space import Parameters, Space, key
from book_forecast.sarima import SarimaFit
from book_forecast.series.history import FloatArray, History

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
# So many of the best are searched around at the same time.
SIDE_BY_SIDE = 3
REASON, EVALUATIONS = "reason", "evaluations"
SPACE_USED_UP, CLOCK = "space", "max_seconds"
"""Why a search ended, beside the options' names."""


@dataclass(frozen=True)
class Search:
    """Everything that decides what is found for one title.

    Attributes:
        history: The training weeks.
        folds: Rolling origins inside of them, at least one.
        space: The models to choose from.
        options: When to stop, and the seeds.
        seed: Of the run; a trial's randomness comes from it, the ISBN and the trial's number.
    """

    history: History
    folds: Sequence[Fold]
    space: Space
    options: TuneOptions
    seed: int

    def run(self, storage: BaseStorage) -> tuple[list[FrozenTrial], str]:
        """Searches, or goes on where a former search with the same storage was stopped.

        Returns:
            The trials in order, no two of which have the same parameters, and what ended the
            search: the name of an option, or "space" where every point was tried.
        """
        began = time.monotonic()
        study = optuna.create_study(
            storage=storage,
            study_name=self.history.isbn,
            load_if_exists=True,
            sampler=RandomSampler(),  # every parameter is told
            pruner=FarBehindPruner(len(self.folds)),
        )
        seeds = [self.space.seed_parameters(s) for s in self.options.seeds_for(self.history.isbn)]
        seeds = list({key(parameters): parameters for parameters in seeds}.values())
        while not (end := self._end(trials := self._finished(study))):
            if trials and time.monotonic() - began > self.options.max_seconds:
                return trials, CLOCK
            proposed = self._propose(trials, seeds)
            if proposed is None:
                return trials, SPACE_USED_UP
            # A run that was stopped right here has left it waiting.
            if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
                study.enqueue_trial(proposed)
            self._evaluate(study, study.ask(self.space.distributions(proposed)))
        return trials, end

    def _finished(self, study: optuna.Study) -> list[FrozenTrial]:
        return [t for t in study.get_trials(deepcopy=False) if t.state in FINISHED]

    def _end(self, trials: Sequence[FrozenTrial]) -> str | None:
        """The option by which these trials are enough; None if they are not."""
        if len(trials) >= self.options.max_trials:
            return "max_trials"
        used = sum(trial.user_attrs.get(EVALUATIONS, 0) for trial in trials)
        if used >= self.options.max_evaluations:
            return "max_evaluations"
        best, since = np.inf, 0
        for trial in trials:
            value = trial.value if trial.state is TrialState.COMPLETE else None
            if value is not None and value < best * (1.0 - self.options.min_improvement):
                best, since = value, 0
            else:
                since += 1
        enough = len(trials) >= self.options.min_trials and since >= self.options.patience
        return "patience" if enough else None

    def _propose(
        self, trials: Sequence[FrozenTrial], seeds: Sequence[Parameters]
    ) -> Parameters | None:
        """What to try next, by former trials alone: seeds, some at random, neighbours of the best.

        A neighbour differs in one order or in the transform. Those of a few best ones are drawn
        from together, as those of the best alone may all lie in one hollow. On a space as small as
        this they lead to errors as low as a tree-structured Parzen estimator's points, which repeat
        themselves and take as long as the fits.
        """
        if len(trials) < len(seeds):
            return seeds[len(trials)]
        tried = {key(trial.params) for trial in trials}
        points = self.space.points
        left = np.array([place for place, point in enumerate(points) if key(point) not in tried])
        if not len(left):
            return None
        draw = self._random(len(trials))
        if len(trials) >= len(seeds) + self.options.random_trials:
            complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
            ranked = sorted(complete, key=lambda trial: (trial.value, trial.number))
            for first in range(0, len(ranked), SIDE_BY_SIDE):
                together = ranked[first : first + SIDE_BY_SIDE]
                apart = np.array([self.space.differences(t.params)[left] for t in together])
                near = left[(apart == 1).any(axis=0)]
                if len(near):
                    return points[draw.choice(near)]
        return points[draw.choice(left)]

    def _random(self, number: int) -> random.Random:
        text = f"{self.seed}/{self.history.isbn}/{number}"
        return random.Random(hashlib.sha256(text.encode()).digest())  # noqa: S311

    def _evaluate(self, study: optuna.Study, trial: Trial) -> None:
        candidate = self.space.candidate(trial.params)
        errors: list[float] = []
        start: FloatArray | None = None
        used = 0
        state = TrialState.COMPLETE
        for number, fold in enumerate(self.folds):
            try:
                error, fitted = fold_error(self.history, fold, candidate, start)
            except (ValueError, np.linalg.LinAlgError) as problem:
                trial.set_user_attr(REASON, str(problem))
                state = TrialState.FAIL
                break
            start, used = fitted.arma, used + fitted.evaluations
            errors.append(error)
            trial.report(float(np.mean(errors)), number)
            if number + 1 < len(self.folds) and trial.should_prune():
                state = TrialState.PRUNED
                break
        trial.set_user_attr(EVALUATIONS, used)
        complete = state is TrialState.COMPLETE
        study.tell(trial, float(np.mean(errors)) if complete else None, state=state)


def fold_error(
    history: History, fold: Fold, candidate: Candidate, start: FloatArray | None
) -> tuple[float, SarimaFit]:
    """Error of a model fitted up to a fold's origin over the weeks after it.

    Args:
        history: The training weeks.
        fold: Its target has at least one known week.
        candidate: The model.
        start: Coefficients of the same model on another fold.

    Returns:
        Mean absolute error in units of the title's mean weekly volume, and the fit.

    Raises:
        ValueError: If the weeks up to the origin are too few for the model, or its forecast is not
            finite.
    """
    model = Sarima.fit(history.until(fold.origin), candidate, start, thorough=False)
    mean = model.forecast(fold.horizon, ()).mean
    if not np.isfinite(mean).all():
        raise ValueError(f"{candidate.specification}: its forecast is not finite")
    errors = np.abs(mean - history.volumes[fold.target])
    return float(np.nanmean(errors)) / mean_volume(history), model.model


def best_without_each_fold(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """For each fold the trial that is best on the others: the error there is then an honest one.

    Args:
        trials: Complete ones, at least one; each reports the mean over the folds so far.

    Returns:
        A trial a fold; with a single fold the best on it.
    """
    means = np.array([[*trial.intermediate_values.values()] for trial in trials])
    counts = np.arange(1, means.shape[1] + 1)
    totals = means * counts
    errors = np.diff(totals, axis=1, prepend=0.0)
    others = totals[:, -1:] - errors if len(counts) > 1 else errors
    return [trials[int(np.argmin(others[:, fold]))] for fold in range(len(counts))]


def mean_volume(history: History) -> float:
    """Copies in the mean week; 1 where nothing was ever sold."""
    return float(np.nanmean(history.volumes)) or 1.0
