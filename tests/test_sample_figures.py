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
        "regression": 0.434,
        "boosting": 0.2957,
        "sarima": 0.1227,
        "theta": 0.0892,
        "mstl": 0.0583,
    },
    "9780722532935": {
        "regression": 0.4054,
        "boosting": 0.329,
        "sarima": 0.1308,
        "theta": 0.0816,
        "mstl": 0.0532,
    },
    "9786703444075": {
        "boosting": 0.3291,
        "regression": 0.3214,
        "sarima": 0.1256,
        "theta": 0.1096,
        "mstl": 0.0633,
        "ets": 0.051,
    },
    "9786709016955": {
        "regression": 0.4459,
        "boosting": 0.2887,
        "sarima": 0.1199,
        "theta": 0.0868,
        "mstl": 0.0587,
    },
    "9786712461025": {"boosting": 1.0},
    "9786718033905": {
        "regression": 0.3838,
        "boosting": 0.3291,
        "sarima": 0.125,
        "theta": 0.1007,
        "mstl": 0.0614,
    },
    "9786732623731": {
        "regression": 0.3649,
        "boosting": 0.3374,
        "sarima": 0.128,
        "theta": 0.1076,
        "mstl": 0.0622,
    },
    "9786747213569": {
        "boosting": 0.3623,
        "regression": 0.3334,
        "sarima": 0.1239,
        "theta": 0.1158,
        "mstl": 0.0645,
    },
    "9786756230519": {
        "regression": 0.4098,
        "boosting": 0.3324,
        "sarima": 0.1177,
        "theta": 0.0839,
        "mstl": 0.0561,
    },
    "9786765247461": {
        "regression": 0.4326,
        "boosting": 0.3016,
        "sarima": 0.121,
        "theta": 0.0864,
        "mstl": 0.0584,
    },
    "9786770820345": {
        "regression": 0.402,
        "boosting": 0.3246,
        "sarima": 0.1253,
        "theta": 0.0888,
        "mstl": 0.0593,
    },
    "9786779837290": {
        "regression": 0.462,
        "boosting": 0.2789,
        "sarima": 0.1196,
        "theta": 0.0847,
        "mstl": 0.0548,
    },
    "9786785410173": {
        "regression": 0.3993,
        "boosting": 0.3337,
        "sarima": 0.1257,
        "theta": 0.0874,
        "mstl": 0.0539,
    },
    "9786794427124": {
        "regression": 0.4394,
        "boosting": 0.272,
        "sarima": 0.1287,
        "theta": 0.0994,
        "mstl": 0.0605,
    },
    "9786797871191": {
        "regression": 0.4528,
        "boosting": 0.2875,
        "sarima": 0.119,
        "theta": 0.0869,
        "mstl": 0.0538,
    },
}
TITLES = {
    "9780241003008": (0.246644483, 43928.283203, 1130.039062),
    "9780722532935": (0.1950524366, 20813.124023, 693.06897),
    "9786703444075": (0.2650712899, 2976.248672, 87.953644),
    "9786709016955": (0.2028768764, 11360.615601, 314.653168),
    "9786712461025": (0.4332289448, 3416.737091, 113.099945),
    "9786718033905": (0.2657664928, 2572.756752, 74.96209),
    "9786732623731": (0.273928773, 2940.329395, 77.172523),
    "9786747213569": (0.2772876245, 3304.673119, 63.681286),
    "9786756230519": (0.1787602981, 10044.888794, 327.342255),
    "9786765247461": (0.4853221891, 9261.341385, 232.748932),
    "9786770820345": (0.2915793741, 6573.153397, 188.616684),
    "9786779837290": (0.485825, 3518.623344, 106.32515),
    "9786785410173": (0.168338417, 9986.065521, 310.804321),
    "9786794427124": (0.2071845048, 8987.764572, 217.279831),
    "9786797871191": (0.4883931267, 6501.346481, 151.584778),
}
# A launch, which has no score.
LAUNCHES = {"9786774264411": (6248.671066, 192.405029)}
METRICS = {
    "n_titles": 16.0,
    "n_fallbacks": 0.0,
    "test_wape": 0.2709393905,
    "test_mase": 0.7459292699,
    "test_rmsse": 0.7276439697,
    "test_scaled_crps": 0.1456320961,
    "test_bias": -19.8906996563,
    "test_coverage-80": 0.7645833333,
    "test_coverage-95": 0.9520833333,
    "test_width-80": 277.9813714652,
    "test_wape_seasonal_naive": 0.3877240906,
    "test_wape_regression": 0.2874617581,
    "test_wape_theta": 0.3221803112,
    "test_wape_boosting": 0.268868316,
    "test_wape_sarima": 0.3296601,
    "rolling_wape": 0.2690859127,
    "rolling_mase": 0.5743959253,
    "rolling_coverage-80": 0.8131944444,
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
    expected = {isbn: figures for isbn, (_, *figures) in TITLES.items()} | LAUNCHES
    assert means.sum().to_dict() == close({isbn: total for isbn, (total, _) in expected.items()})
    assert means.first().to_dict() == close({isbn: one for isbn, (_, one) in expected.items()})
    assert means.size().eq(32).all()


def test_the_scores_over_all_titles(data):
    metrics = json.loads((data / "08_reporting/metrics.json").read_text())
    assert {name: metrics[name] for name in METRICS} == close(METRICS)
