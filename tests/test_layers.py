"""Who may import whom (DESIGN section 2), read from the source without running it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

WEB = r"(fastapi|starlette|uvicorn|flask|werkzeug|aiohttp)"
ORCHESTRATION = rf"(kedro\w*|zenml|mlflow|optuna|{WEB})"
CORE = r"book_forecast\.(sarima|forecasters|bookscan|calendar|backtest|metrics)"

# (whose imports, what they may reach neither directly nor through our own modules)
RULES = [
    (rf"{CORE}(\..+)?", ORCHESTRATION),
    (r"book_forecast\.pipelines\.\w+\.(?!pipeline$)\w+", r"(kedro\w*|zenml|mlflow|fsspec|gcsfs)"),
    (
        # MLflow's database is asked by a process of its own, which the service does not import.
        r"book_forecast\.serving(?!\.registry_process)(\..+)?",
        r"(kedro\w*|zenml|optuna|mlflow|pandas|numba|statsmodels|book_forecast\.pipelines)",
    ),
    (r"book_forecast\.(?!pipelines\.tune).+", r"optuna"),
    (r"book_forecast(\..+)?", r"zenml_runner"),
    (r"zenml_runner(\..+)?", r"book_forecast"),
]


def modules_in(*roots: Path) -> dict[str, Path]:
    """Source files by dotted module name; each root is the folder of a top-level package."""
    found = {}
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root.parent).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports_of(name: str, path: Path) -> Iterator[str]:
    """Dotted names that a module imports anywhere in its code, functions included."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(parents if node.level else []), *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def violations(modules: dict[str, Path], rules: list[tuple[str, str]]) -> list[str]:
    """Every chain of imports, written `a -> b -> c`, that a rule forbids."""
    graph = {name: set(imports_of(name, path)) for name, path in modules.items()}
    return [
        chain
        for who, whom in rules
        for name in modules
        if re.fullmatch(who, name)
        for chain in _chains(name, graph, re.compile(rf"{whom}(\..+)?"))
    ]


def _chains(start: str, graph: dict[str, set[str]], forbidden: re.Pattern[str]) -> Iterator[str]:
    seen, waiting = {start}, [(start, start)]
    while waiting:
        name, chain = waiting.pop()
        for target in sorted(graph[name]):
            if forbidden.fullmatch(target):
                yield f"{chain} -> {target}"
                continue
            # `from package import name` may name a module or something in the package.
            module = target if target in graph else target.rpartition(".")[0]
            if module in graph and module not in seen:
                seen.add(module)
                waiting.append((module, f"{chain} -> {module}"))


def test_no_module_reaches_what_it_must_not_know(project_path):
    modules = modules_in(project_path / "src/book_forecast", project_path / "zenml_runner")
    assert {"book_forecast.cli", "zenml_runner"} <= set(modules)
    assert any(re.fullmatch(CORE, name) for name in modules)
    assert violations(modules, RULES) == []


@pytest.mark.parametrize(
    ("files", "chain"),
    [
        (
            {"book_forecast/calendar.py": "import kedro.io"},
            "book_forecast.calendar -> kedro.io",
        ),
        (
            {
                "book_forecast/sarima/fit.py": "from ..tools import helper",
                "book_forecast/tools.py": "def helper():\n    from kedro_datasets import pandas",
            },
            "book_forecast.sarima.fit -> book_forecast.tools -> kedro_datasets.pandas",
        ),
        (
            {"book_forecast/pipelines/train/nodes.py": "from kedro import io"},
            "book_forecast.pipelines.train.nodes -> kedro.io",
        ),
        (
            {"book_forecast/serving/app.py": "from book_forecast.pipelines import train"},
            "book_forecast.serving.app -> book_forecast.pipelines.train",
        ),
        (
            {
                "book_forecast/serving/app.py": "from book_forecast.isbn import is_isbn",
                "book_forecast/isbn.py": "import pandas as pd",
            },
            "book_forecast.serving.app -> book_forecast.isbn -> pandas",
        ),
        (
            {"book_forecast/forecasters/base.py": "import optuna"},
            "book_forecast.forecasters.base -> optuna",
        ),
        (
            {"book_forecast/hooks.py": "from zenml_runner import compile"},
            "book_forecast.hooks -> zenml_runner.compile",
        ),
        (
            {"zenml_runner/steps.py": "import book_forecast"},
            "zenml_runner.steps -> book_forecast",
        ),
    ],
)
def test_a_forbidden_import_is_found(tmp_path, files, chain):
    for name, source in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    roots = [tmp_path / "book_forecast", tmp_path / "zenml_runner"]
    assert chain in violations(modules_in(*roots), RULES)


def test_what_is_allowed_is_not_reported(tmp_path):
    package = tmp_path / "book_forecast"
    (package / "pipelines/tune").mkdir(parents=True)
    (package / "pipelines/tune/nodes.py").write_text("import optuna\nimport pandas")
    (package / "pipelines/tune/pipeline.py").write_text("from kedro.pipeline import node")
    (package / "datasets.py").write_text("from kedro.io import AbstractDataset")
    (package / "metrics.py").write_text("import numpy as np")
    assert violations(modules_in(package), RULES) == []
