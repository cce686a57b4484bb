"""Figures of the sample: a change that moves a forecast, a weight or a score shows here.

The literals come from a run of the code before it was rearranged into its present rooms. On one
machine a run repeats them to 1e-9. The last digits depend on the vector units of the processor and
on the linear algebra behind NumPy, so that other machines differ a little: hence 1e-6. Whoever
changes a model on purpose replaces the literals, and writes in CHANGELOG.md what the change does.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.slow

WEIGHTS = {
    "9780241003008": {
        "regression": 0.5683,
        "boosting": 0.152,
        "theta": 0.1019,
        "mstl": 0.066,
        "sarima": 0.0571,
        "ets": 0.0547,
    },
    "9780722532935": {"regression": 0.6633, "sarima": 0.1353, "boosting": 0.134, "theta": 0.0674},
    "9786703444075": {
        "theta": 0.474,
        "regression": 0.1726,
        "boosting": 0.141,
        "ets": 0.0941,
        "sarima": 0.0665,
        "mstl": 0.0517,
    },
    "9786709016955": {
        "regression": 0.6464,
        "theta": 0.1096,
        "boosting": 0.0954,
        "mstl": 0.0764,
        "ets": 0.0722,
    },
    "9786712461025": {"boosting": 1.0},
    "9786718033905": {
        "regression": 0.5255,
        "theta": 0.1721,
        "boosting": 0.0971,
        "ets": 0.0743,
        "sarima": 0.0707,
        "mstl": 0.0602,
    },
    "9786732623731": {
        "regression": 0.4044,
        "theta": 0.295,
        "boosting": 0.0939,
        "ets": 0.0708,
        "mstl": 0.0686,
        "sarima": 0.0674,
    },
    "9786747213569": {
        "theta": 0.5235,
        "boosting": 0.1599,
        "regression": 0.1293,
        "mstl": 0.0841,
        "ets": 0.0521,
        "sarima": 0.051,
    },
    "9786756230519": {"regression": 0.8176, "boosting": 0.1824},
    "9786765247461": {
        "regression": 0.5951,
        "boosting": 0.1105,
        "sarima": 0.0887,
        "ets": 0.084,
        "theta": 0.0695,
        "mstl": 0.0522,
    },
    "9786770820345": {
        "regression": 0.41,
        "theta": 0.2439,
        "ets": 0.1557,
        "boosting": 0.0984,
        "mstl": 0.0919,
    },
    "9786779837290": {"regression": 0.9311, "theta": 0.0689},
    "9786785410173": {"regression": 0.4694, "theta": 0.3326, "ets": 0.1035, "boosting": 0.0945},
    "9786794427124": {
        "regression": 0.4295,
        "theta": 0.2886,
        "sarima": 0.0776,
        "ets": 0.0765,
        "boosting": 0.0689,
        "mstl": 0.059,
    },
    "9786797871191": {"regression": 0.7114, "theta": 0.1747, "boosting": 0.1139},
}
# WAPE of the chosen model on the test weeks, copies over all weeks ahead and in the first one.
TITLES = {
    "9780241003008": (0.2409352905, 44025.55615, 1119.129761),
    "9780722532935": (0.2009372606, 20931.12317, 687.6011963),
    "9786703444075": (0.3011024743, 3049.091187, 89.87656403),
    "9786709016955": (0.1872484531, 11102.40002, 302.6929932),
    "9786712461025": (0.4357485172, 3887.481651, 90.46663666),
    "9786718033905": (0.2836921446, 2548.016071, 74.56738281),
    "9786732623731": (0.2641514775, 2960.342899, 75.2078476),
    "9786747213569": (0.2545527201, 3228.391502, 62.71759033),
    "9786756230519": (0.1726105746, 9412.491287, 306.1219482),
    "9786765247461": (0.5913946298, 9605.782715, 229.8294373),
    "9786770820345": (0.2845549404, 6764.887894, 180.4551544),
    "9786779837290": (0.4386551732, 3243.428391, 92.60271454),
    "9786785410173": (0.168842599, 9472.620605, 283.5988159),
    "9786794427124": (0.2145286215, 9200.908539, 214.9945984),
    "9786797871191": (0.4951084565, 6493.643555, 148.2120972),
}
METRICS = {
    "n_titles": 15,
    "n_fallbacks": 0,
    "test_wape": 0.2724051968,
    "test_mase": 0.7378273958,
    "test_rmsse": 0.7154843096,
    "test_scaled_crps": 0.1486613581,
    "test_bias": -16.2302975,
    "test_coverage-80": 0.7479166667,
    "test_coverage-95": 0.9520833333,
    "test_width-80": 279.5520519,
    "test_wape_seasonal_naive": 0.3877240906,
    "test_wape_regression": 0.2874617581,
    "test_wape_theta": 0.3221803112,
    "test_wape_boosting": 0.2731768066,
    "test_wape_sarima": 0.3296601,
    "rolling_wape": 0.272043078,
    "rolling_mase": 0.5731966403,
    "rolling_coverage-80": 0.8097222222,
    "rolling_wape_seasonal_naive": 0.6843083359,
}


def close(value: object) -> object:
    return pytest.approx(value, rel=1e-6)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, project_path: Path) -> Path:
    """The folder of a run on the sample with the default parameters."""
    folder = tmp_path_factory.mktemp("sample")
    root = folder / "data"
    (root / "01_raw").mkdir(parents=True)
    shutil.copytree(project_path / "data/01_raw/sales", root / "01_raw/sales")
    done = subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--params", f"data_root={root}"],
        cwd=project_path,
        env=os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"},
        capture_output=True,
        text=True,
        timeout=590,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def test_the_weights_of_each_titles_ensemble(data):
    specifications = pd.read_parquet(data / "06_models/specifications.parquet")
    found = specifications.set_index("isbn")["weights"].map(json.loads).to_dict()
    assert {isbn: sorted(weights) for isbn, weights in found.items()} == {
        isbn: sorted(weights) for isbn, weights in WEIGHTS.items()
    }
    for isbn, weights in WEIGHTS.items():
        assert found[isbn] == close(weights), isbn


def test_the_error_of_each_title(data):
    table = pd.read_parquet(data / "08_reporting/score_table.parquet")
    found = table.set_index("isbn")["wape"].to_dict()
    assert found == close({isbn: wape for isbn, (wape, _, _) in TITLES.items()})
    assert set(table["model"]) == {"ensemble"}
    assert table["fallback_reason"].isna().all()


def test_the_forecast_of_each_title(data):
    forecasts = pd.read_parquet(data / "07_model_output/forecasts.parquet").sort_values("week")
    means = forecasts.astype({"mean": "float64"}).groupby("isbn")["mean"]
    assert means.sum().to_dict() == close({isbn: total for isbn, (_, total, _) in TITLES.items()})
    assert means.first().to_dict() == close({isbn: one for isbn, (_, _, one) in TITLES.items()})
    assert means.size().eq(32).all()


def test_the_scores_over_all_titles(data):
    metrics = json.loads((data / "08_reporting/metrics.json").read_text())
    assert {name: metrics[name] for name in METRICS} == close(METRICS)
