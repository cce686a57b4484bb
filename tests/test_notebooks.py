"""The notebooks run top to bottom in the project, and are committed without outputs."""

import ast
import importlib
import importlib.util
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests import processes

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]


@pytest.fixture(scope="module")
def project(tmp_path_factory, project_path, whole_run):
    """A copy of the project with the data of a whole run, monitored as after eight more weeks."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("conf", "notebooks"):
        shutil.copytree(project_path / name, copy / name)
    # The package is that of this project: a copy would compile its functions anew.
    (copy / "src").mkdir()
    shutil.copy(project_path / "pyproject.toml", copy)
    shutil.copytree(whole_run, copy / "data")
    _record_former_forecasts(copy / "data/07_model_output", weeks=8)
    isbns = pd.read_parquet(copy / "data/07_model_output/forecasts.parquet")["isbn"].unique()
    stock = copy / "data/01_raw/stock"
    stock.mkdir(parents=True)
    pd.DataFrame({"isbn": isbns, "on_hand": 50, "lead_weeks": 3}).to_csv(stock / "stock.csv")
    words = ["-m", "kedro", "run", "--pipelines", "monitor,decide"]
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{copy}/mlflow.db"}
    ended = processes.project.run(words, copy, environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return copy


def _code_cells(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def _record_former_forecasts(folder: Path, weeks: int) -> None:
    """Record the forecasts of a run as if earlier weeks had made them."""
    (recorded,) = folder.glob("forecast_history/*/*.parquet")
    table = pd.read_parquet(recorded)
    for n in range(1, weeks + 1):
        moved = table.assign(
            week=table["week"] - pd.Timedelta(weeks=n),
            cutoff=table["cutoff"] - pd.Timedelta(weeks=n),
        )
        day = moved["cutoff"].iloc[0].date()
        moved.to_parquet(recorded.with_name(f"{day}.parquet"))


@pytest.fixture
def _no_home(monkeypatch, tmp_path):
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


def test_there_are_notebooks():
    assert NAMES == ["01_explore_sales", "02_tune_and_inspect_one_title", "03_review_last_week"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_no_outputs_are_committed(path):
    cells = _code_cells(path)
    assert cells
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_everything_that_a_notebook_imports_exists(path):
    lines = [line.rstrip("\n") for cell in _code_cells(path) for line in cell["source"]]
    code = "\n".join(line for line in lines if not line.startswith("%"))
    imports = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
    assert imports
    for node in imports:
        for alias in node.names:
            assert node.module
            module = importlib.import_module(node.module)
            name = f"{node.module}.{alias.name}"
            assert hasattr(module, alias.name) or importlib.util.find_spec(name), name


@pytest.mark.slow
@pytest.mark.usefixtures("_no_home")
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_top_to_bottom(project, monkeypatch, name):
    # Imported here: they take seconds, and every process collects this file.
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project}/mlflow.db")
    notebook = nbformat.read(project / f"notebooks/{name}.ipynb", 4)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(project / "notebooks")}},
    )
    client.execute()
    figures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    assert len(figures) >= 3
