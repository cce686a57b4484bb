"""Figures of the sample: a change that moves a forecast, a weight or a score shows here.

The literals are in `sample_figures.json`. The last digits depend on the vector units of the
processor, and a search that compares models that are nearly as good amplifies them to per cents.
So the run has those of one processor, which any later x86-64 has too (`PROCESSOR`); other digits
than a change of the models' own then come from another version of a library, hence 1e-6. Whoever
changes a model on purpose replaces the literals, and writes in CHANGELOG.md what the change does.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "AMD64"), reason="the literals are those of x86-64"
    ),
]

FIGURES = json.loads(Path(__file__).with_name("sample_figures.json").read_text(encoding="utf-8"))
# AVX2 and FMA, without AVX-512, for compiled functions, linear algebra and NumPy.
PROCESSOR = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
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
        env=os.environ | PROCESSOR | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"},
        capture_output=True,
        text=True,
        timeout=590,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture(scope="module")
def weights(data: Path) -> dict[str, dict[str, list[float]]]:
    """The weights of each title's ensemble, of the first and of the last compared week."""
    specifications = pd.read_parquet(data / "06_models/specifications.parquet")
    pairs = zip(specifications["isbn"], specifications["weights"], strict=True)
    return {str(isbn): json.loads(str(weights)) for isbn, weights in pairs}


def test_the_weights_of_each_titles_ensemble(weights):
    assert weights.keys() == FIGURES["weights"].keys()
    for isbn, wanted in FIGURES["weights"].items():
        assert weights[isbn].keys() == wanted.keys(), isbn
        for family, ends in wanted.items():
            assert weights[isbn][family] == close(ends), (isbn, family)


def test_the_error_of_each_title(data):
    table = pd.read_parquet(data / "08_reporting/score_table.parquet")
    found = table.set_index("isbn")["wape"].to_dict()
    assert found == close({isbn: wape for isbn, (wape, _, _) in FIGURES["titles"].items()})
    assert set(table["model"]) == {"ensemble"}
    assert table["fallback_reason"].isna().all()


def test_the_forecast_of_each_title(data):
    forecasts = pd.read_parquet(data / "07_model_output/forecasts.parquet").sort_values("week")
    means = forecasts.astype({"mean": "float64"}).groupby("isbn")["mean"]
    titles = {isbn: wanted for isbn, (_, *wanted) in FIGURES["titles"].items()}
    expected = titles | FIGURES["launches"]
    assert means.sum().to_dict() == close({isbn: total for isbn, (total, _) in expected.items()})
    assert means.first().to_dict() == close({isbn: one for isbn, (_, one) in expected.items()})
    assert means.size().eq(32).all()


def test_the_scores_over_all_titles(data):
    metrics = json.loads((data / "08_reporting/metrics.json").read_text())
    wanted = FIGURES["metrics"]
    assert {name: metrics[name] for name in wanted} == close(wanted)
