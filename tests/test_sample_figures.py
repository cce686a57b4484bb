"""Figures of the sample: a change that moves a forecast, a weight or a score shows here.

The literals are in `sample_figures.json`. On one machine a run repeats them to 1e-9. The last
digits depend on the vector units of the processor and on the linear algebra behind NumPy, so that
other machines differ a little: hence 1e-6. In the search for `TIED` they decide between two models
that are nearly as good. So there are two sets of literals, and a run must have all figures of one.
Whoever changes a model on purpose replaces both, and writes in CHANGELOG.md what the change does.
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

FIGURES = json.loads(Path(__file__).with_name("sample_figures.json").read_text(encoding="utf-8"))
# Its ensemble has a weight of SARIMA or none.
TIED = "9780722532935"


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


@pytest.fixture(scope="module")
def weights(data: Path) -> dict[str, dict[str, float]]:
    """The weights of each title's ensemble."""
    specifications = pd.read_parquet(data / "06_models/specifications.parquet")
    pairs = zip(specifications["isbn"], specifications["weights"], strict=True)
    return {str(isbn): json.loads(str(weights)) for isbn, weights in pairs}


@pytest.fixture(scope="module")
def figures(weights: dict[str, dict[str, float]]) -> dict:
    """The set of literals whose tie the run has decided alike; all of it is then compared."""
    wanted: dict = FIGURES["with SARIMA" if "sarima" in weights[TIED] else "without SARIMA"]
    return wanted


def test_the_weights_of_each_titles_ensemble(weights, figures):
    assert weights.keys() == figures["weights"].keys()
    for isbn, wanted in figures["weights"].items():
        assert weights[isbn] == close(wanted), isbn


def test_the_error_of_each_title(data, figures):
    table = pd.read_parquet(data / "08_reporting/score_table.parquet")
    found = table.set_index("isbn")["wape"].to_dict()
    assert found == close({isbn: wape for isbn, (wape, _, _) in figures["titles"].items()})
    assert set(table["model"]) == {"ensemble"}
    assert table["fallback_reason"].isna().all()


def test_the_forecast_of_each_title(data, figures):
    forecasts = pd.read_parquet(data / "07_model_output/forecasts.parquet").sort_values("week")
    means = forecasts.astype({"mean": "float64"}).groupby("isbn")["mean"]
    titles = {isbn: wanted for isbn, (_, *wanted) in figures["titles"].items()}
    expected = titles | figures["launches"]
    assert means.sum().to_dict() == close({isbn: total for isbn, (total, _) in expected.items()})
    assert means.first().to_dict() == close({isbn: one for isbn, (_, one) in expected.items()})
    assert means.size().eq(32).all()


def test_the_scores_over_all_titles(data, figures):
    metrics = json.loads((data / "08_reporting/metrics.json").read_text())
    wanted = figures["metrics"]
    assert {name: metrics[name] for name in wanted} == close(wanted)
