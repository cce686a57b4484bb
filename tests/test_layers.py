"""Who may import whom, read from the source without running it; docs/development.md explains."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

WEB = r"(fastapi|starlette|uvicorn|flask|werkzeug|aiohttp)"
ORCHESTRATION = rf"(kedro\w*|zenml|mlflow|optuna|{WEB})"
PURE = (
    r"book_forecast\.(sarima|forecasters|bookscan|series|backtesting|decisions|monitoring|payload)"
)

# Rooms of book_forecast from the top down. A room imports rooms of lower rows only; "" is the
# package's own top, where Kedro looks for settings and pipelines.
ROWS = (
    ("",),
    ("pipelines",),
    ("cli", "hooks"),
    ("serving",),
    ("tracking", "datasets"),
    ("releases",),
    ("plots",),
    ("execution",),
    ("forecasters",),
    ("options",),
    ("bookscan", "sample", "alerts"),
    ("backtesting", "decisions", "monitoring"),
    ("series",),
    ("sarima",),
    ("payload",),
    ("storage",),
)
# The same of zenml_runner; its modules outside of folders are rooms of their own.
ADAPTER_ROWS = (
    ("__main__",),
    ("commands",),
    ("translation",),
    ("planning", "steps"),
    ("artifacts", "stacks", "processes"),
    ("tracking",),
    ("client",),
    ("failures",),
    ("kedro_project",),
    ("plan",),
    ("settings", "views"),
    ("errors", "redaction", "stdout"),
)
# The same of the service.
SERVICE_ROWS = (
    ("__main__", "function"),
    ("app",),
    ("routes", "page"),
    ("http", "sheets"),
    ("requests",),
    ("release",),
    ("titles",),
    ("loading",),
    ("settings", "errors", "problems"),
)
SERVICE = "book_forecast.serving"
TOP = {"__init__", "__main__", "settings", "pipeline_registry"}

# (whose imports, what they may reach neither directly nor through our own modules)
RULES = [
    (rf"{PURE}(\..+)?", ORCHESTRATION),
    (r"book_forecast\.pipelines\.\w+\.(?!pipeline$)\w+", r"(kedro\w*|zenml|mlflow|fsspec|gcsfs)"),
    (
        r"book_forecast\.serving(\..+)?",
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


def graph_of(modules: Mapping[str, Path]) -> dict[str, set[str]]:
    """Imported names by module; a name of our own is the module that it stands in."""

    def module_of(target: str) -> str:
        found = target
        while found and found not in modules:
            found = found.rpartition(".")[0]
        return found or target

    return {
        name: {module_of(target) for target in imports_of(name, path)} - {name}
        for name, path in modules.items()
    }


def violations(modules: Mapping[str, Path], rules: list[tuple[str, str]]) -> list[str]:
    """Every chain of imports, written `a -> b -> c`, that a rule forbids."""
    graph = graph_of(modules)
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
            elif target in graph and target not in seen:
                seen.add(target)
                waiting.append((target, f"{chain} -> {target}"))


def room_of(name: str, house: str = "book_forecast") -> str:
    """The room of a module; "" for those at the top of book_forecast."""
    room = name.removeprefix(house).removeprefix(".").partition(".")[0]
    return "" if house == "book_forecast" and room in TOP else room


def upward_imports(
    modules: Mapping[str, Path],
    rows: tuple[tuple[str, ...], ...] = ROWS,
    house: str = "book_forecast",
) -> list[str]:
    """Imports, written `a -> b`, that do not lead to a lower row; unknown rooms count as such."""
    row_of = {room: row for row, rooms in enumerate(rows) for room in rooms}
    return [
        f"{name} -> {target}"
        for name, targets in graph_of(modules).items()
        for target in sorted(targets)
        # The package itself holds its version and nothing else.
        if target.startswith(f"{house}.")
        and room_of(name, house) != room_of(target, house)
        and not row_of.get(room_of(name, house), 99) < row_of.get(room_of(target, house), -1)
    ]


def circles(modules: Mapping[str, Path]) -> list[set[str]]:
    """Groups of modules that import each other, directly or through others."""
    graph = {name: {t for t in ts if t in modules} for name, ts in graph_of(modules).items()}
    reachable = {name: _reachable(name, graph) for name in graph}
    return [
        group
        for name in graph
        if len(group := {name} | {n for n in reachable[name] if name in reachable[n]}) > 1
        and name == min(group)
    ]


def _reachable(start: str, graph: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - seen
        seen |= new
        waiting.extend(new)
    return seen


@pytest.fixture(scope="module")
def ours(project_path: Path) -> dict[str, Path]:
    """All modules of both packages."""
    return modules_in(
        project_path / "src/book_forecast", project_path / "zenml_runner/src/zenml_runner"
    )


def test_no_module_reaches_what_it_must_not_know(ours):
    assert {"book_forecast.cli", "zenml_runner"} <= set(ours)
    assert any(re.fullmatch(PURE, name) for name in ours)
    assert violations(ours, RULES) == []


def test_every_room_imports_lower_rows_only(ours):
    rooms = {room_of(name) for name in ours if name.startswith("book_forecast")}
    assert rooms == {room for row in ROWS for room in row}
    assert upward_imports({n: p for n, p in ours.items() if n.startswith("book_forecast")}) == []


def test_every_folder_of_the_adapter_imports_lower_rows_only(ours):
    modules = {n: p for n, p in ours.items() if n.startswith("zenml_runner")}
    rooms = {room_of(name, "zenml_runner") for name in modules} - {""}
    assert rooms == {room for row in ADAPTER_ROWS for room in row}
    assert upward_imports(modules, ADAPTER_ROWS, "zenml_runner") == []


def test_every_folder_of_the_service_imports_lower_rows_only(ours):
    modules = {n: p for n, p in ours.items() if n.startswith(SERVICE)}
    rooms = {room_of(name, SERVICE) for name in modules} - {""}
    assert rooms == {room for row in SERVICE_ROWS for room in row}
    assert upward_imports(modules, SERVICE_ROWS, SERVICE) == []


def test_no_modules_import_each_other(ours):
    assert circles(ours) == []


def test_pipelines_do_not_import_each_other(ours):
    pattern = re.compile(r"book_forecast\.pipelines\.(\w+)")
    crossing = [
        f"{name} -> {target}"
        for name, targets in graph_of(ours).items()
        for target in targets
        if (mine := pattern.match(name)) and (other := pattern.match(target))
        if mine[1] != other[1]
    ]
    assert crossing == []


def test_the_top_of_the_package_holds_what_kedro_looks_for(project_path):
    loose = {path.stem for path in (project_path / "src/book_forecast").glob("*.py")}
    assert loose == TOP


@pytest.mark.parametrize(
    ("files", "chain"),
    [
        (
            {"book_forecast/series/calendar.py": "import kedro.io"},
            "book_forecast.series.calendar -> kedro.io",
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
            "book_forecast.serving.app -> book_forecast.isbn -> pandas.pd",
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
            {"zenml_runner/steps/step.py": "import book_forecast"},
            "zenml_runner.steps.step -> book_forecast",
        ),
    ],
)
def test_a_forbidden_import_is_found(tmp_path, files, chain):
    modules = _written(tmp_path, files)
    assert chain.replace("pandas.pd", "pandas") in violations(modules, RULES)


@pytest.mark.parametrize(
    ("files", "chain"),
    [
        (
            {
                "book_forecast/storage/files.py": "from book_forecast.series import weeks",
                "book_forecast/series/weeks.py": "",
            },
            "book_forecast.storage.files -> book_forecast.series.weeks",
        ),
        (
            {
                "book_forecast/cli/run.py": "from book_forecast.hooks.summary import show",
                "book_forecast/hooks/summary.py": "",
            },
            "book_forecast.cli.run -> book_forecast.hooks.summary",
        ),
        (
            {
                "book_forecast/series/weeks.py": "def f():\n    from book_forecast.attic import x",
                "book_forecast/attic/x.py": "",
            },
            "book_forecast.series.weeks -> book_forecast.attic.x",
        ),
    ],
)
def test_an_import_that_does_not_lead_down_is_found(tmp_path, files, chain):
    assert chain in upward_imports(_written(tmp_path, files))


def test_a_circle_is_found_also_within_a_function(tmp_path):
    files = {
        "book_forecast/series/a.py": "from book_forecast.series.b import x",
        "book_forecast/series/b.py": "def f():\n    from book_forecast.series import a",
    }
    found = circles(_written(tmp_path, files))
    assert found == [{"book_forecast.series.a", "book_forecast.series.b"}]


def test_what_is_allowed_is_not_reported(tmp_path):
    files = {
        "book_forecast/pipelines/tune/nodes.py": "import optuna\nimport pandas",
        "book_forecast/pipelines/tune/pipeline.py": "from kedro.pipeline import node",
        "book_forecast/datasets/a.py": "from kedro.io import AbstractDataset",
        "book_forecast/backtesting/metrics.py": "import numpy as np",
    }
    modules = _written(tmp_path, files)
    assert violations(modules, RULES) == upward_imports(modules) == []
    assert circles(modules) == []


def _written(folder: Path, files: Mapping[str, str]) -> dict[str, Path]:
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return modules_in(folder / "book_forecast", folder / "zenml_runner")
