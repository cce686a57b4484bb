"""The pruner of the search for SARIMA orders."""

from __future__ import annotations

import optuna
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

# Folds cover different times and rank models differently: a model is pruned where it lies behind
# by more than this for each fold that is left. With the usual median rule, which looks at the rank
# on the first fold alone, the best model of the space was often lost.
BEHIND_A_FOLD = 0.05
COMPLETE_FIRST = 4


class FarBehindPruner(BasePruner):
    """Prunes a model that is far behind the best one on the folds that both were scored on.

    Args:
        n_folds: Folds that a model is scored on.
    """

    def __init__(self, n_folds: int) -> None:
        self.n_folds = n_folds

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Return whether to stop; a trial reports its mean error over the folds so far."""
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        fold = trial.last_step
        if len(complete) < COMPLETE_FIRST or fold is None:
            return False
        best = min(complete, key=lambda one: (one.value, one.number))
        left = self.n_folds - fold - 1
        allowed = best.intermediate_values[fold] * (1.0 + BEHIND_A_FOLD * left)
        return trial.intermediate_values[fold] > allowed
