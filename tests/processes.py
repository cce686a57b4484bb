"""A Python process with the project's heavy libraries imported, which runs its commands."""

from runner_testing.warm import Warm

# ZenML is not among them: it replaces `print` when it is imported.
LIBRARIES = (
    *("pandas", "pyarrow.parquet", "scipy.stats", "numba", "lightgbm", "openpyxl", "optuna"),
    *("IPython", "git", "dynaconf", "mlflow.pyfunc", "mlflow.store.tracking.sqlalchemy_store"),
    *("kedro.io", "kedro.pipeline", "kedro_datasets.pandas", "statsforecast.models"),
    *("pandera.pandas", "plotly.express"),
)

project = Warm(LIBRARIES)
