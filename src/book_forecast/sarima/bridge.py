"""The way to statsmodels, for those who want its diagnostics, summaries and tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from book_forecast.sarima.arrays import FloatArray
from book_forecast.sarima.estimation import SarimaFit
from book_forecast.sarima.likelihood import full_design


def to_statsmodels(fit: SarimaFit, values: FloatArray, regressors: FloatArray | None = None) -> Any:
    """Statsmodels' results object at our parameters, without fitting again.

    Args:
        fit: The fitted model.
        values: The series it was fitted to, shape (n,); NaN where the week is missing.
        regressors: Shape (n, r), as in the fit; the trend's constant becomes a regressor "const".

    Returns:
        A `SARIMAXResults`, smoothed, with everything statsmodels offers on it.
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
    return model.smooth(np.concatenate([fit.coefficients, fit.arma, [fit.sigma2]]))
