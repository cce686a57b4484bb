"""A changed module makes every result that depends on it anew, and no other.

The expectation comes from real imports in a fresh process, not from `import_closure`.
"""

import ast
import json
import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import book_forecast
from tests import processes

PACKAGE = Path(book_forecast.__file__).parent

# Records which module imports which. The bodies of functions do not run; the imports in their
# bytecode are done in their place.
IMPORTS = """
import builtins, dis, importlib, importlib.util, json, sys, types

edges = {}
real = builtins.__import__

def recording(name, globals=None, locals=None, fromlist=(), level=0):
    found = real(name, globals, locals, fromlist, level)
    importer = (globals or {}).get("__name__", "")
    if importer.startswith("book_forecast"):
        package = globals["__package__"]
        base = importlib.util.resolve_name("." * level + name, package) if level else name
        targets = {f"{base}.{item}" for item in fromlist or ()}
        own = {target if target in sys.modules else base for target in targets} or {base}
        edges.setdefault(importer, set()).update(own)
    return found

builtins.__import__ = recording

def import_in_functions(code, module, is_function=False):
    imports = is_function and dis.opmap["IMPORT_NAME"] in code.co_code[::2]
    instructions = list(dis.get_instructions(code)) if imports else []
    for place, instruction in enumerate(instructions):
        if instruction.opname == "IMPORT_NAME":
            level, fromlist = (instructions[place - back].argval for back in (2, 1))
            if level or instruction.argval.startswith("book_forecast"):
                recording(instruction.argval, vars(module), None, fromlist, level)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            import_in_functions(constant, module, True)

for name in sys.argv[1:]:
    importlib.import_module(name)
    done = set()
    while left := {n for n in sys.modules if n.startswith("book_forecast.")} - done:
        for each in left:
            module = sys.modules[each]
            code = module.__spec__.loader.get_code(each)
            import_in_functions(code, module)
        done |= left
print(json.dumps({name: sorted(targets) for name, targets in edges.items()}))
"""

# Prints which fingerprints change with each module.
CHANGES = """
import json, sys
from functools import cache, lru_cache
from pathlib import Path
import book_forecast
from book_forecast.execution import fingerprints
from book_forecast.execution.fingerprints import code_fingerprint

fingerprints._versions = dict.fromkeys  # no library changes, and looking them up is slow
# Of hundreds of modules one changes at a time: none comes or goes, and no import of one.
fingerprints.import_closure = cache(fingerprints.import_closure)
fingerprints._scalar = lru_cache(maxsize=None, typed=True)(fingerprints._scalar)
texts = {}
read = Path.read_text
Path.read_text = lambda path, encoding: texts.get(path) or texts.setdefault(path, read(path))

root = Path(book_forecast.__file__).parent
results = sys.argv[2:]

def prints():
    code_fingerprint.cache_clear()
    return {name: code_fingerprint(name) for name in results}

def write(path, text):
    path.write_text(text)
    texts.pop(path, None)

before = prints()
changed = {}
for module in json.loads(sys.argv[1]):
    path = root.parent.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    source = read(path)
    write(path, source + "\\nANOTHER_CONSTANT = 1\\n")
    changed[module] = [name for name, value in prints().items() if value != before[name]]
    write(path, source)
print(json.dumps([str(root), changed]))
"""


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


@cache
def modules() -> dict[str, Path]:
    return {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module: str) -> str:
    """The folder of a module; each pipeline has its own."""
    return str(modules()[module].parent.relative_to(PACKAGE))


def results_under_code() -> dict[str, set[str]]:
    """Modules whose results are saved under a code fingerprint, and those that it is taken of."""
    found: dict[str, set[str]] = {}
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or "code_fingerprint" not in ast.unparse(node.func):
                continue
            (argument,) = node.args
            same = ast.unparse(argument) == "__name__"
            found.setdefault(name, set()).add(name if same else ast.literal_eval(argument))
    return found


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of the package, to change."""
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "book_forecast", ignore=ignored)
    return folder


def run(copy: Path, script: str, *words: str) -> tuple[str, str]:
    """Standard output and error of a script that imports the copy, and compiles nothing of it."""
    file = copy / "script.py"
    file.write_text(f"import numba\nnumba.config.DISABLE_JIT = True\n{script}")
    environment = os.environ | {"PYTHONPATH": str(copy)}
    done = processes.project.run([str(file), *words], copy, environment)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def json_of(output: str) -> Any:
    """The JSON in the last line; Kedro logs to the same stream."""
    return json.loads(output.splitlines()[-1])


def test_saved_results_have_a_fingerprint_of_their_code():
    """Nodes that open a checkpoint or make a generation; a new one is found here."""
    users = {
        name
        for name, path in modules().items()
        if name.startswith("book_forecast.pipelines.")
        and any(
            word in path.read_text() for word in ("checkpoints.open(", "read_or_make(", " Part(")
        )
    }
    assert users <= set(results_under_code())
    assert len(users) >= 6


@pytest.fixture(scope="module")
def expected(copy) -> dict[str, set[str]]:
    """Modules that each result depends on, by real imports."""
    results = sorted({module for used in results_under_code().values() for module in used})
    edges = json_of(run(copy, IMPORTS, *results)[0])
    found = {}
    for result in results:
        reached, waiting = set(), [result]
        while waiting:
            name = waiting.pop()
            if name not in reached and name.startswith("book_forecast"):
                reached.add(name)
                waiting.extend(edges.get(name, []))
        found[result] = reached
    return found


def changed_results(copy: Path, changed: list[str], results: list[str]) -> dict[str, list[str]]:
    """The results that each changed module makes anew."""
    root, found = json_of(run(copy, CHANGES, json.dumps(changed), *results)[0])
    assert Path(root).parent == copy
    return found


def test_a_changed_module_of_each_room_changes_exactly_the_results_that_need_it(copy, expected):
    every = set().union(*expected.values())
    # Of each room a module that some result needs and one that none needs, as far as there are.
    chosen = {(room_of(name), name in every): name for name in modules()}
    found = changed_results(copy, [*chosen.values()], [*expected])
    assert found == {
        module: [result for result in expected if module in expected[result]]
        for module in chosen.values()
    }
    rooms = {room_of(module) for module, results in found.items() if results}
    assert {"series", "sarima", "forecasters", "backtesting", "options", "execution"} <= rooms
    assert not rooms & {"serving", "cli", "plots", "hooks", "tracking", "datasets", "sample"}
    assert any(0 < len(results) < len(expected) for results in found.values())


@pytest.mark.slow
def test_any_changed_module_changes_exactly_the_results_that_need_it(copy, expected):
    assert changed_results(copy, [*modules()], [*expected]) == {
        module: [result for result in expected if module in expected[result]]
        for module in modules()
    }


FIT = """
import json, logging, sys
from pathlib import Path
from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.forecasters.calibration import BANDS, ERROR_PROBABILITIES, Calibration
from book_forecast.options.groups import ExecutionOptions
from book_forecast.options.models import ModelOptions
from book_forecast.pipelines.train.fits import COMPARED
import numpy as np
import pandas as pd

logging.basicConfig(level=logging.INFO, stream=sys.stderr, force=True)
weeks = pd.date_range("2022-01-01", periods=60, freq="W-SAT")
sales = np.random.default_rng(1).poisson(20 + 10 * np.sin(np.arange(60) / 8), (2, 60))
isbns = ["9780722532935", "9780241003008"]
frame = pd.concat(
    pd.DataFrame({"isbn": isbn, "week": weeks, "volume": row.astype(float)})
    for isbn, row in zip(isbns, sales)
)
specifications = pd.DataFrame(
    {"isbn": isbns, "model": "ensemble", "fallback_reason": None, "season": 52, "spread": 1.0,
     "weights": json.dumps({"regression": 1.0})}
)
quantiles = np.tile(np.linspace(-1, 1, len(ERROR_PROBABILITIES)), (len(BANDS), 1))
calibration = Calibration(quantiles, 0.3, 32).to_state()
no_paths = pd.DataFrame({"isbn": [], "family": [], "cutoff": [], "week": [], "mean": []})
fitted = COMPARED.fit_titles(
    frame, specifications, calibration, no_paths, None,
    ModelOptions(families=["regression"], calendar=False), ExecutionOptions(n_jobs=1),
    CheckpointFolder(Path(sys.argv[1])),
)
print(json.dumps([fitted.fingerprint, fitted.frame["state"].tolist()]))
"""


def test_a_changed_constant_of_the_season_makes_a_saved_fit_anew(copy, tmp_path):
    """No fallback stands in: the states are those of ensembles with a regression."""

    def fit() -> tuple[str, list[str], str]:
        output, log = run(copy, FIT, str(tmp_path / "checkpoints"))
        generation, states = json_of(output)
        assert all("regression" in json.loads(state)["members"] for state in states)
        return generation, states, log

    resumed = "2 of 2 titles come from the checkpoint"
    first = fit()
    again = fit()
    assert resumed not in first[2]
    assert resumed in again[2]
    assert again[:2] == first[:2]

    module = copy / "book_forecast/series/seasonality.py"
    source = module.read_text()
    assert source.count("WEEKS_A_YEAR = 365.25 / 7\n") == 1
    module.write_text(source.replace("WEEKS_A_YEAR = 365.25 / 7\n", "WEEKS_A_YEAR = 50.0\n"))
    changed = fit()
    assert resumed not in changed[2]
    assert changed[0] != first[0]
    assert all(new != old for new, old in zip(changed[1], first[1], strict=True))
    module.write_text(source)
