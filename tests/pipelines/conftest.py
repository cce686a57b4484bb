"""The cross-validation of a small catalogue, made once."""

import pandas as pd
import pytest

from tests.histories import fit
from tests.pipelines import ensembles
from tests.pipelines.ensembles import CrossValidation, Weighting


@pytest.fixture(scope="session")
def compared() -> CrossValidation:
    """All families at the folds."""
    return ensembles.cross_validate()


@pytest.fixture(scope="session")
def weighted(compared: CrossValidation) -> Weighting:
    """Specifications, calibration, backtest and leaderboard of all families."""
    return ensembles.weigh(compared)


@pytest.fixture(scope="session")
def ensemble_models(weighted: Weighting) -> pd.DataFrame:
    """The ensembles on all weeks, with every family."""
    return fit(
        ensembles.WEEKS,
        weighted.specifications,
        models=ensembles.MODELS,
        calibration=weighted.calibration,
        global_forecasts=ensembles.global_forecasts_after(ensembles.WEEKS),
    ).frame
