"""A model is pruned where it is far behind the best, and not for its rank on a first fold."""

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from book_forecast.pipelines.tune.pruner import (
    BEHIND_A_FOLD,
    COMPLETE_FIRST,
    FarBehindPruner,
)

FOLDS = 3


def running(*means: float) -> optuna.trial.FrozenTrial:
    """A trial that has reported its mean error over the first folds."""
    return create_trial(state=TrialState.RUNNING, intermediate_values=dict(enumerate(means)))


@pytest.fixture
def study() -> optuna.Study:
    """Complete trials, the best of which had means of 2.0, 1.5 and 1.0 over its folds."""
    study = optuna.create_study()
    for worse in range(COMPLETE_FIRST):
        means = [2.0 - 0.2 * worse, 1.5 + worse, 1.0 + worse]
        study.add_trial(create_trial(value=means[-1], intermediate_values=dict(enumerate(means))))
    return study


@pytest.mark.parametrize("folds", [1, 2])
def test_a_model_is_compared_with_the_best_one_on_the_same_folds(study, folds):
    best = [2.0, 1.5][folds - 1]
    allowed = best * (1.0 + BEHIND_A_FOLD * (FOLDS - folds))
    pruner = FarBehindPruner(FOLDS)
    assert not pruner.prune(study, running(*[3.0, allowed][-folds:]))
    assert pruner.prune(study, running(*[1.0, allowed + 0.01][-folds:]))


def test_a_first_fold_on_which_others_were_better_does_not_matter(study):
    # The other complete trials had 1.8, 1.6 and 1.4 there: the median rule would prune it.
    assert not FarBehindPruner(FOLDS).prune(study, running(2.1))


def test_nothing_is_pruned_before_a_few_are_complete():
    study = optuna.create_study()
    for _ in range(COMPLETE_FIRST - 1):
        study.add_trial(create_trial(value=1.0, intermediate_values={0: 1.0, 1: 1.0, 2: 1.0}))
    assert not FarBehindPruner(FOLDS).prune(study, running(50.0))
