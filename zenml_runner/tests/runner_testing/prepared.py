"""ZenML's store and MLflow's database, copied from those that their first use has created.

Creating them takes seconds. A test of a fresh machine chooses folders of its own.
"""

import atexit
import os
import shutil
import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from runner_testing import warm
from runner_testing.warm import Warm

STORE, DATABASE = "zenml", "mlflow.db"
FIRST_USE = """
from zenml.client import Client
Client().zen_store
try:
    from mlflow import MlflowClient
except ImportError:
    pass
else:
    MlflowClient("sqlite:///mlflow.db").search_experiments()
"""


def copy_store(folder: Path, processes: Warm = warm.zenml) -> None:
    """Copy ZenML's settings and store, unless the folder exists.

    Args:
        folder: For both.
        processes: One of them creates the original.
    """
    if not folder.exists():
        original = _originals(processes)
        shutil.copytree(original / STORE, folder)
        settings = folder / "config.yaml"
        settings.write_text(settings.read_text().replace(str(original / STORE), str(folder)))


def copy_database(path: Path) -> None:
    """Copy MLflow's database, whose experiments keep files beside it, unless it exists."""
    original = _originals(warm.zenml) / DATABASE
    if original.exists() and not path.exists():
        shutil.copyfile(original, path)
        with sqlite3.connect(path) as database:
            moved = "UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)"
            database.execute(moved, (str(original.parent), str(path.parent)))


@cache
def _originals(processes: Warm) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="prepared-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    script = folder / "first_use.py"
    script.write_text(FIRST_USE)
    environment = os.environ | {"ZENML_CONFIG_PATH": str(folder / STORE)}
    environment.pop("ZENML_STORE_URL", None)
    done = processes.run([str(script)], folder, environment)
    assert done.returncode == 0, done.stderr
    return folder
