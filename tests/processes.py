"""A Python process with the project's heavy libraries imported, which runs its commands."""

from runner_testing import warm
from runner_testing.warm import Warm

# ZenML is not among them: it replaces `print` when it is imported.
LIBRARIES = (
    *("pandas", "pyarrow.parquet", "scipy.stats", "numba", "lightgbm", "openpyxl", "optuna"),
    *("IPython", "git", "dynaconf", "mlflow.pyfunc", "mlflow.store.tracking.sqlalchemy_store"),
    *("kedro.io", "kedro.pipeline", "kedro_datasets.pandas", "statsforecast.models"),
    *("pandera.pandas", "pandera.strategies.pandas_strategies", "plotly.express"),
    *("plotly.graph_objects", "omegaconf", "holidays.countries", "babel", "attr", "pathspec"),
    *("mlflow.tracing.processor.base_mlflow", "numba.cpython.charseq", "cffi.cparser"),
    *("narwhals._pandas_like.namespace", "sqlalchemy.dialects.sqlite", "pyarrow.dataset"),
    *("pandera.backends.pandas.register", "pandera.backends.pandas.builtin_checks"),
    *("numba.cpython.builtins", "numba.cpython.listobj", "numba.cpython.setobj"),
    *("numba.np.arraymath", "numba.np.linalg", "numba.np.npdatetime", "numba.np.random.legacy"),
    *("numba.np.random.generator_methods", "numba.experimental.jitclass.base"),
    *("multiprocessing.managers", "plotly.offline", "plotly.subplots", "narwhals._namespace"),
)

project = Warm(LIBRARIES)

# Of commands that run on ZenML.
zenml = Warm((*LIBRARIES, *warm.LIBRARIES))

# Of the service, which imports no pandas.
SERVICE = (
    *("fastapi.staticfiles", "uvicorn.protocols.http.h11_impl", "uvicorn.logging", "orjson"),
    *("numpy", "pyarrow.parquet", "pyarrow.compute", "prometheus_client", "rapidfuzz.process"),
    *("fsspec.implementations.local", "python_multipart"),
)

service = Warm(SERVICE)

# What containers and submitting commands import, in the environment that they share.
CLOUD = (
    *("gcsfs", "fsspec.implementations.dirfs", "google.cloud.aiplatform", "google.oauth2.id_token"),
    *("kfp.compiler", "kfp.dsl", "kubernetes", "zenml.integrations.gcp.orchestrators"),
    *("zenml.entrypoints.step_entrypoint_configuration", "zenml.zen_stores.rest_zen_store"),
)

cloud = Warm((*LIBRARIES, *warm.LIBRARIES, *CLOUD), {"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"})
