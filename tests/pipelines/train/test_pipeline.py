"""Who is told of today's plan: the release, and no model that is scored."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.options.groups import BoostingOptions
from book_forecast.pipelines.train.pipeline import create_fits
from book_forecast.series.covariates import PROMOTION_PLAN
from tests.histories import volumes, weeks_frame

DEPTH = np.where(np.arange(120) % 7 == 0, 0.3, 0.0)
ISBNS = [f"97800000000{n:02}" for n in range(8)]
WEEKS = weeks_frame(
    {isbn: np.round(volumes(n, 120) * np.exp(3.0 * DEPTH)) for n, isbn in enumerate(ISBNS)}
).assign(promotion=np.tile(DEPTH, len(ISBNS)), rrp=9.99)
MADE_OF = {
    "titles": pd.DataFrame({"isbn": ISBNS, "product_class": "F"}).astype("str"),
    "options": BoostingOptions(rows=4000, trees=30),
    "families": ["boosting", "naive"],
    "calendar": False,
    "seed": 1,
}


def paths(node: str, regressors: pd.DataFrame | None) -> list[float]:
    """What the function of a node says."""
    [fit] = [one for one in create_fits().nodes if one.name == node]
    return list(fit.func(WEEKS, **MADE_OF, regressors=regressors)["mean"])


@pytest.mark.parametrize(
    ("node", "told"), [("boost_all_weeks", True), ("boost_training_weeks", False)]
)
def test_the_plan_reaches_the_release_alone(node, told):
    plan = pd.DataFrame({"isbn": ISBNS, "name": PROMOTION_PLAN, "value": 0.3})
    plan["week"] = WEEKS["week"].max() + pd.Timedelta(weeks=2)
    assert (paths(node, plan) != paths(node, None)) == told
