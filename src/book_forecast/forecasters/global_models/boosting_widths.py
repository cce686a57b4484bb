"""How sure the boosting is of a week: the distance of two of its quantiles.

Weeks of a season or after restless months differ in how far sales may lie from a forecast.
Calibrated intervals take from it how much wider a week is than the title's others, see
`week_widths`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from book_forecast.forecasters.global_models.boosting_features import Rows
from book_forecast.forecasters.global_models.boosting_fit import grow
from book_forecast.forecasters.global_models.boosting_rows import draw_any, learn_line
from book_forecast.forecasters.global_models.panel import Panel
from book_forecast.options.models import BoostingOptions
from book_forecast.series.history import FloatArray

if TYPE_CHECKING:
    import lightgbm

QUANTILES = (0.1, 0.9)
# Of the sizes of the forecast's fits: so many times smaller.
SHARES = {"rows": 4, "rows_per_title": 4, "trees": 3, "leaves": 2}
# A leaf's quantile needs more rows than its median.
ROWS_OF_A_LEAF = 100
# Quantiles of titles that sell next to nothing may cross.
NARROWEST = 0.05


@dataclass(frozen=True)
class Widths:
    """Fits to both quantiles.

    Attributes:
        lower, upper: None with too few rows.
        n_jobs: Threads.
    """

    lower: lightgbm.Booster | None
    upper: lightgbm.Booster | None
    n_jobs: int

    def of(self, rows: Rows) -> FloatArray:
        """Return logarithms of the distance, in units of the title's noise; zero without fits.

        Promotions are unknown to it, whatever the rows have: a plan may change after the training,
        and weeks of a promotion have a factor of their own.
        """
        if self.lower is None or self.upper is None:
            return np.zeros(len(rows.title))
        matrix = rows.promoted(np.nan).matrix
        lower, upper = (
            np.asarray(model.predict(matrix, num_threads=self.n_jobs), dtype=np.float64)
            for model in (self.lower, self.upper)
        )
        return np.log(np.maximum(upper - lower, NARROWEST))


def fit_widths(panel: Panel, options: BoostingOptions, seed: int, n_jobs: int) -> Widths:
    """Fit both quantiles to the weeks of all titles, at any week ahead.

    They are fitted to what one line leaves, so that their distance needs no line. Small fits find
    as much as those of the forecast's size.

    Args:
        panel: All titles.
        options: Size of the forecast's fits.
        seed: Of the rows that are drawn and of the trees.
        n_jobs: Threads.
    """
    sizes = {name: max(getattr(options, name) // share, 2) for name, share in SHARES.items()}
    small = options.model_copy(update=sizes)
    rng = np.random.default_rng((seed + 2, 0))
    rows = learn_line(draw_any, panel, small, rng)
    if rows is None:
        return Widths(None, None, n_jobs)
    quantile = {"objective": "quantile", "min_data_in_leaf": ROWS_OF_A_LEAF}
    lower, upper = (
        grow(rows, small, rng, n_jobs, alpha=probability, **quantile) for probability in QUANTILES
    )
    return Widths(lower, upper, n_jobs)
