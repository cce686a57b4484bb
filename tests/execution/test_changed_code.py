"""A changed module makes every result that depends on it anew, and no other.

The expectation comes from real imports in a fresh process, not from `import_closure`.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import book_forecast

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
    instructions = list(dis.get_instructions(code))
    for place, instruction in enumerate(instructions):
        if is_function and instruction.opname == "IMPORT_NAME":
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
from pathlib import Path
import book_forecast
from book_forecast.execution.fingerprints import code_fingerprint

root = Path(book_forecast.__file__).parent
results = sys.argv[2:]

def prints():
    code_fingerprint.cache_clear()
    return {name: code_fingerprint(name) for name in results}

before = prints()
changed = {}
for module in json.loads(sys.argv[1]):
    path = root.parent.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    source = path.read_text()
    path.write_text(source + "\\nANOTHER_CONSTANT = 1\\n")
    changed[module] = [name for name, value in prints().items() if value != before[name]]
    path.write_text(source)
print(json.dumps([str(root), changed]))
"""


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def modules() -> dict[str, Path]:
    return {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module: str) -> str:
    """The folder of a module, each pipeline's its own."""
    path = modules()[module]
    return str(path.parent.relative_to(PACKAGE))


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


def python(copy: Path, script: str, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(copy), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        env=environment,
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def json_of(output: str) -> Any:
    """The JSON in the last line; Kedro logs to the same stream."""
    return json.loads(output.splitlines()[-1])


def test_saved_results_have_a_fingerprint_of_their_code():
    """Nodes that open a checkpoint or make a generation; a new one is found here."""
    users = {
        name
        for name, path in modules().items()
        if name.startswith("book_forecast.pipelines.")
        and any(word in path.read_text() for word in ("checkpoints.open(", " Part("))
    }
    assert users <= set(results_under_code())
    assert len(users) >= 6


def test_a_changed_module_changes_exactly_the_results_that_depend_on_it(copy):
    results = sorted({module for used in results_under_code().values() for module in used})
    edges = json_of(python(copy, IMPORTS, *results))
    expected = {}
    for result in results:
        reached, waiting = set(), [result]
        while waiting:
            name = waiting.pop()
            if name not in reached and name.startswith("book_forecast"):
                reached.add(name)
                waiting.extend(edges.get(name, []))
        expected[result] = reached
    every = list(modules())
    root, changed = json_of(python(copy, CHANGES, json.dumps(every), *results))
    assert Path(root).parent == copy
    assert changed == {
        module: [result for result in results if module in expected[result]] for module in every
    }
    rooms = {room_of(module) for module, names in changed.items() if names}
    assert {"series", "sarima", "forecasters", "backtesting", "options", "execution"} <= rooms
    assert not rooms & {"serving", "cli", "plots", "hooks", "tracking", "datasets", "sample"}
