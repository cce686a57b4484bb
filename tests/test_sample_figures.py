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
        "regression": 0.4686,
        "boosting": 0.3049,
        "theta": 0.0948,
        "autoregression": 0.0672,
        "mstl": 0.0646,
    },
    "9780722532935": {
        "regression": 0.4357,
        "boosting": 0.3377,
        "theta": 0.0863,
        "autoregression": 0.0817,
        "mstl": 0.0586,
    },
    "9786703444075": {
        "regression": 0.3462,
        "boosting": 0.3386,
        "theta": 0.1162,
        "autoregression": 0.0712,
        "mstl": 0.0699,
        "ets": 0.0579,
    },
    "9786709016955": {
        "regression": 0.4812,
        "boosting": 0.2976,
        "theta": 0.0922,
        "mstl": 0.0649,
        "autoregression": 0.0641,
    },
    "9786712461025": {"boosting": 0.6313, "autoregression": 0.3687},
    "9786718033905": {
        "regression": 0.3944,
        "boosting": 0.3229,
        "theta": 0.1018,
        "mstl": 0.0647,
        "autoregression": 0.0635,
        "ets": 0.0526,
    },
    "9786732623731": {
        "regression": 0.3753,
        "boosting": 0.3314,
        "theta": 0.1089,
        "mstl": 0.0656,
        "autoregression": 0.0656,
        "ets": 0.0532,
    },
    "9786747213569": {
        "boosting": 0.3555,
        "regression": 0.3426,
        "theta": 0.1172,
        "mstl": 0.068,
        "autoregression": 0.0638,
        "ets": 0.053,
    },
    "9786756230519": {
        "regression": 0.4351,
        "boosting": 0.337,
        "theta": 0.0877,
        "autoregression": 0.0792,
        "mstl": 0.061,
    },
    "9786765247461": {
        "regression": 0.4668,
        "boosting": 0.3108,
        "theta": 0.0918,
        "autoregression": 0.0661,
        "mstl": 0.0646,
    },
    "9786770820345": {
        "regression": 0.4076,
        "boosting": 0.3143,
        "theta": 0.0886,
        "autoregression": 0.0752,
        "mstl": 0.0616,
        "ets": 0.0527,
    },
    "9786779837290": {
        "regression": 0.4975,
        "boosting": 0.2868,
        "theta": 0.0898,
        "autoregression": 0.0654,
        "mstl": 0.0605,
    },
    "9786785410173": {
        "regression": 0.4277,
        "boosting": 0.3413,
        "theta": 0.0921,
        "autoregression": 0.0797,
        "mstl": 0.0592,
    },
    "9786794427124": {
        "regression": 0.4784,
        "boosting": 0.2829,
        "theta": 0.1066,
        "mstl": 0.0675,
        "autoregression": 0.0647,
    },
    "9786797871191": {
        "regression": 0.4868,
        "boosting": 0.2952,
        "theta": 0.092,
        "autoregression": 0.0667,
        "mstl": 0.0592,
    },
}
TITLES = {
    "9780241003008": (0.2455603844, 42886.882568, 1111.993652),
    "9780722532935": (0.1946892422, 20833.875977, 692.921143),
    "9786703444075": (0.2729778898, 2969.193954, 88.261024),
    "9786709016955": (0.2009262396, 11187.919952, 312.603973),
    "9786712461025": (0.4546664893, 3100.052948, 105.145485),
    "9786718033905": (0.2595169468, 2577.315773, 75.02179),
    "9786732623731": (0.2766994345, 2877.718906, 75.446121),
    "9786747213569": (0.2721316168, 3241.07003, 62.788921),
    "9786756230519": (0.1803887947, 9842.309875, 320.401337),
    "9786765247461": (0.4860769443, 9110.859177, 231.070801),
    "9786770820345": (0.2904994591, 6320.708557, 187.389236),
    "9786779837290": (0.4876061675, 3485.95433, 101.983543),
    "9786785410173": (0.1711799104, 10119.641357, 315.9198),
    "9786794427124": (0.2067176889, 8910.376144, 217.372253),
    "9786797871191": (0.4892729959, 6383.231064, 149.94104),
}
# A launch, which has no score.
LAUNCHES = {"9786774264411": (6248.671066, 192.405029)}
METRICS = {
    "n_titles": 16.0,
    "n_fallbacks": 0.0,
    "test_wape": 0.2714096323,
    "test_mase": 0.7493845248,
    "test_rmsse": 0.7325820839,
    "test_scaled_crps": 0.1479453506,
    "test_bias": -21.9776500922,
    "test_coverage-80": 0.7520833333,
    "test_coverage-95": 0.9458333333,
    "test_width-80": 271.1958605106,
    "test_wape_seasonal_naive": 0.3877240906,
    "test_wape_regression": 0.2874617581,
    "test_wape_theta": 0.3221803112,
    "test_wape_boosting": 0.268868316,
    "test_wape_sarima": 0.3296601,
    "rolling_wape": 0.2712368029,
    "rolling_mase": 0.5778908782,
    "rolling_coverage-80": 0.7977678571,
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
