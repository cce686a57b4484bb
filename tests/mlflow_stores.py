"""Empty stores of MLflow, copied from one that each process of the tests creates once.

MLflow takes a second or more to create a store. A test of a fresh machine has it created anew.
"""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from book_forecast.storage.mlflow_store import make_ready


def empty_store(folder: Path) -> str:
    """The address of the store in a folder, which gets an empty one unless it has one."""
    path = folder / "mlflow.db"
    if not path.exists():
        shutil.copyfile(_created(), path)
    return f"sqlite:///{path}"


@cache
def _created() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mlflow-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "mlflow.db"
    make_ready(f"sqlite:///{path}")
    return path
