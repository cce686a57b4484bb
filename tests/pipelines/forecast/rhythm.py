"""A release of cheap models, and the weeks that are delivered after it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.datasets import ReleaseDataset
from book_forecast.forecasters.calibration import BANDS, ERROR_PROBABILITIES
from book_forecast.options.groups import SelectionOptions
from book_forecast.options.models import ModelOptions
from book_forecast.payload.contents import Payload
from book_forecast.pipelines.forecast.nodes import roll_forward
from book_forecast.pipelines.preprocess.nodes import build_model_input, find_missing_weeks
from book_forecast.pipelines.tune.weighting import SPECIFICATION_TYPES
from tests.histories import ALONE, checkpoints_in, release_of, specifications_of, volumes
from tests.pipelines.preprocess.exports import isbn_of, make_sales, week_of

TRAINED, NEWER, SPLIT = 100, 10, 8
MODELS = ModelOptions(
    families=["sarima", "regression", "seasonal_naive", "naive"], calendar=False, seed=1
)
TITLES = [isbn_of(number) for number in range(4)]
_HISTORIES = [volumes(number, TRAINED + NEWER) + 20.0 for number in range(4)]
SALES = make_sales(*[dict(enumerate(values.tolist())) for values in _HISTORIES])
"""All deliveries, each right and complete."""


def specifications() -> pd.DataFrame:
    """Two ensembles, a SARIMA model, and a title that falls back to seasonal naive."""
    weights = json.dumps({"regression": 0.5, "seasonal_naive": 0.3, "naive": 0.2})
    ensembles = pd.DataFrame(
        [
            {"isbn": isbn, "model": "ensemble", "weights": weights, "season": 4, "spread": 0.3}
            for isbn in TITLES[:2]
        ]
    )
    alone = specifications_of(TITLES[2:3])
    rows = pd.concat([ensembles, alone.dropna(axis=1, how="all")], ignore_index=True)
    return rows.reindex(columns=list(SPECIFICATION_TYPES)).astype(SPECIFICATION_TYPES)


def calibration() -> dict[str, Any]:
    """Symmetric quantiles of residuals."""
    quantiles = np.tile(np.linspace(-2.0, 2.0, len(ERROR_PROBABILITIES)), (len(BANDS), 1))
    return {"quantiles": quantiles.tolist(), "growth": 0.2, "longest": 32}


def model_input(sales: pd.DataFrame) -> pd.DataFrame:
    """The sales as preprocess lays them out."""
    sales = sales.sort_values(["isbn", "week"], ignore_index=True)
    missing = find_missing_weeks(sales, SelectionOptions(), SPLIT)
    return build_model_input(sales, missing, pd.DataFrame({"isbn": TITLES}, dtype="str"), SPLIT)


def before(week: int) -> pd.DataFrame:
    """The sales of the weeks before one."""
    return SALES[SALES["week"] < week_of(week)]


def trained(sales: pd.DataFrame = SALES, covariates: pd.DataFrame | None = None) -> Payload:
    """The release of the weeks up to the training cutoff."""
    names = pd.DataFrame({"isbn": TITLES, "title": list("ABCD")})
    made: Payload = release_of(
        model_input(sales[sales["week"] < week_of(TRAINED)]),
        specifications(),
        names,
        models=MODELS,
        calibration=calibration(),
        covariates=covariates,
    )
    return made


class Root:
    """The releases of a data root, rolled week by week."""

    def __init__(self, folder: Path, release: Payload) -> None:
        """Start from a release, as training leaves it."""
        self.folder = folder
        self.current = ReleaseDataset(filepath=str(folder), release="current")
        self.current.save(release)

    def roll(
        self,
        sales: pd.DataFrame | None,
        covariates: pd.DataFrame | None = None,
        **selection: Any,
    ) -> Payload:
        """Roll the sales in, as the weekly run does, and return the release from its files."""
        weeks = None if sales is None else model_input(sales)
        options = SelectionOptions(**selection)
        with checkpoints_in(None) as checkpoints:
            rolled = roll_forward(
                self.payload, weeks, None, covariates, options, ALONE, checkpoints
            )
        self.current.save(rolled)
        return self.payload

    @property
    def payload(self) -> Payload:
        """The release as it is now."""
        found = self.current.load()
        assert found is not None
        return found

    def files(self) -> dict[str, bytes]:
        """The files that the manifest names, and the manifest."""
        payload = self.payload
        folder = self.folder / payload.release
        names = [entry["name"] for entry in payload.manifest["files"].values()]
        return {name: (folder / name).read_bytes() for name in ["manifest.json", *names]}
