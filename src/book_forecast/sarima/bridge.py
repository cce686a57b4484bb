"""Conversion to statsmodels, for its diagnostics, summaries and tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from book_forecast.sarima.arrays import FloatArray
from book_forecast.sarima.estimation import SarimaFit
from book_forecast.sarima.likelihood import full_design


def to_statsmodels(
    fit: SarimaFit,
    values: FloatArray,
    regressors: FloatArray | None = None,
    *,
    low_memory: bool = False,
) -> Any:
    """Return statsmodels' results object at the fit's parameters, without another fit.

    Args:
        fit: The fitted model.
        values: The series it was fitted to, shape (n,); NaN where the week is missing.
        regressors: Shape (n, r), as in the fit; the trend's constant becomes a regressor "const".
        low_memory: Whether to store only what forecasts need: a thousandth for weekly seasons.

    Returns:
        A smoothed `SARIMAXResults`; with `low_memory` a filtered one, without standard errors.
    """
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    design = full_design(len(values), fit.specification, regressors)
    model = SARIMAX(
        values,
        exog=design if design.shape[1] else None,
        order=fit.specification.order,
        seasonal_order=fit.specification.seasonal_order,
        use_exact_diffuse=fit.specification.lost_weeks > 0,
    )
    parameters = np.concatenate([fit.coefficients, fit.arma, [fit.sigma2]])
    if low_memory:
        return model.filter(parameters, low_memory=True, cov_type="none")
    return model.smooth(parameters)
