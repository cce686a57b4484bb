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
        "regression": 0.3307,
        "boosting": 0.2237,
        "sarima": 0.1486,
        "theta": 0.1151,
        "mstl": 0.0944,
        "ets": 0.0875,
    },
    "9780722532935": {
        "regression": 0.3118,
        "boosting": 0.2512,
        "sarima": 0.1599,
        "theta": 0.1063,
        "mstl": 0.0869,
        "ets": 0.0839,
    },
    "9786703444075": {
        "boosting": 0.2526,
        "regression": 0.2485,
        "sarima": 0.1544,
        "theta": 0.1435,
        "mstl": 0.104,
        "ets": 0.097,
    },
    "9786709016955": {
        "regression": 0.3409,
        "boosting": 0.2191,
        "sarima": 0.1457,
        "theta": 0.1124,
        "mstl": 0.0953,
        "ets": 0.0865,
    },
    "9786712461025": {"boosting": 1.0},
    "9786718033905": {
        "regression": 0.2887,
        "boosting": 0.2457,
        "sarima": 0.1495,
        "theta": 0.1282,
        "mstl": 0.0982,
        "ets": 0.0898,
    },
    "9786732623731": {
        "regression": 0.2726,
        "boosting": 0.2502,
        "sarima": 0.1521,
        "theta": 0.1361,
        "mstl": 0.0987,
        "ets": 0.0902,
    },
    "9786747213569": {
        "boosting": 0.2676,
        "regression": 0.2482,
        "sarima": 0.1467,
        "theta": 0.146,
        "mstl": 0.1021,
        "ets": 0.0895,
    },
    "9786756230519": {
        "regression": 0.3149,
        "boosting": 0.2535,
        "sarima": 0.1438,
        "theta": 0.1092,
        "mstl": 0.0916,
        "ets": 0.087,
    },
    "9786765247461": {
        "regression": 0.3303,
        "boosting": 0.2286,
        "sarima": 0.1469,
        "theta": 0.1117,
        "mstl": 0.0947,
        "ets": 0.0876,
    },
    "9786770820345": {
        "regression": 0.3043,
        "boosting": 0.2439,
        "sarima": 0.1508,
        "theta": 0.1138,
        "mstl": 0.0953,
        "ets": 0.0918,
    },
    "9786779837290": {
        "regression": 0.3563,
        "boosting": 0.2135,
        "sarima": 0.1466,
        "theta": 0.1107,
        "mstl": 0.0898,
        "ets": 0.0832,
    },
    "9786785410173": {
        "regression": 0.3057,
        "boosting": 0.2536,
        "sarima": 0.1529,
        "theta": 0.1132,
        "mstl": 0.0877,
        "ets": 0.0869,
    },
    "9786794427124": {
        "regression": 0.3306,
        "boosting": 0.2032,
        "sarima": 0.154,
        "theta": 0.1267,
        "mstl": 0.0967,
        "ets": 0.0889,
    },
    "9786797871191": {
        "regression": 0.3506,
        "boosting": 0.221,
        "sarima": 0.1464,
        "theta": 0.114,
        "mstl": 0.0885,
        "ets": 0.0796,
    },
}
TITLES = {
    "9780241003008": (0.2497070526, 43766.532837, 1130.273804),
    "9780722532935": (0.196159212, 20555.865112, 686.872742),
    "9786703444075": (0.2770786087, 2978.387939, 88.554764),
    "9786709016955": (0.2051786541, 11093.362183, 312.69635),
    "9786712461025": (0.4332289448, 3416.737091, 113.099945),
    "9786718033905": (0.2650235793, 2518.547249, 74.450005),
    "9786732623731": (0.2717640519, 2964.344818, 77.957924),
    "9786747213569": (0.265109225, 3266.873581, 62.978287),
    "9786756230519": (0.1761294164, 10426.33783, 331.763977),
    "9786765247461": (0.4974513811, 9287.848923, 229.845093),
    "9786770820345": (0.285474851, 6909.082825, 189.246475),
    "9786779837290": (0.4972940838, 3847.250443, 115.26226),
    "9786785410173": (0.1652844331, 9651.678024, 298.850769),
    "9786794427124": (0.212406631, 9060.408905, 216.06871),
    "9786797871191": (0.4915043444, 6607.680237, 150.710373),
}
# A launch, which has no score.
LAUNCHES = {"9786774264411": (6248.671066, 192.405029)}
METRICS = {
    "n_titles": 16.0,
    "n_fallbacks": 0.0,
    "test_wape": 0.273014322,
    "test_mase": 0.7510329603,
    "test_rmsse": 0.7333096147,
    "test_scaled_crps": 0.1466224588,
    "test_bias": -18.9825368644,
    "test_coverage-80": 0.76875,
    "test_coverage-95": 0.95,
    "test_width-80": 284.1487475236,
    "test_wape_seasonal_naive": 0.3877240906,
    "test_wape_regression": 0.2874617581,
    "test_wape_theta": 0.3221803112,
    "test_wape_boosting": 0.268868316,
    "test_wape_sarima": 0.3296601,
    "rolling_wape": 0.2733620004,
    "rolling_mase": 0.5804016695,
    "rolling_coverage-80": 0.8089781746,
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
