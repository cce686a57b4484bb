"""A release as a model in MLflow, with its readers: it works where this project is not."""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from book_forecast import payload
from book_forecast.storage.mlflow_store import experiment_id

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

# The readers are logged beside the payload, under a name with the format that they read.
_READERS_PACKAGE = "book_forecast_release_1"
_REQUIREMENTS = ("numpy", "pandas", "pyarrow")


def log_model(
    release: str, files: Iterable[Path], run_id: str | None, uri: str, experiment: str
) -> ModelInfo:
    """Log a release as a model that works without this project.

    Args:
        release: Its id.
        files: Those of its payload.
        run_id: The run that it belongs to; a new one if not given or not found, unless one is open.
        uri: Of MLflow's store.
        experiment: For a new run.
    """
    import mlflow

    mlflow.set_tracking_uri(uri)
    with tempfile.TemporaryDirectory() as folder, _run(run_id, release, uri, experiment):
        readers = Path(folder, _READERS_PACKAGE)
        unused = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(payload.__file__).parent, readers, ignore=unused)
        content = Path(folder, "payload")
        content.mkdir()
        for path in files:
            shutil.copy(path, content)
        with _importable(folder):
            return mlflow.pyfunc.log_model(
                # A name may have no dot.
                name=f"release-{release.replace('.', '-')}",
                python_model=str(Path(__file__).with_name("pyfunc_model.py")),
                artifacts={"payload": str(content)},
                code_paths=[str(readers)],
                pip_requirements=list(_REQUIREMENTS),
                signature=_signature(),
            )


@contextmanager
def _run(run_id: str | None, release: str, uri: str, experiment: str) -> Iterator[None]:
    """Open the run of the training, or a run for the release alone, unless one is open."""
    import mlflow

    if mlflow.active_run() is not None:
        yield
        return
    if run_id is not None:
        try:
            mlflow.get_run(run_id)
        except mlflow.MlflowException:
            run_id = None  # a run of another store: this one did not answer at the time
    with mlflow.start_run(
        run_id=run_id,
        run_name=None if run_id else f"release {release}",
        experiment_id=None if run_id else experiment_id(uri, experiment),
    ):
        yield


@contextmanager
def _importable(folder: str) -> Iterator[None]:
    """Put a folder on the path: MLflow runs the model's code when it logs it."""
    sys.path.insert(0, folder)
    try:
        with warnings.catch_warnings():
            # MLflow asks for type hints and examples, which this model does not need.
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.path.remove(folder)


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    options = [
        ParamSpec("horizon", "long", 32),
        ParamSpec("levels", "double", [80.0, 95.0], (-1,)),
        ParamSpec("cumulative", "boolean", False),
    ]
    return ModelSignature(Schema([ColSpec("string", "isbn")]), params=ParamSchema(options))
