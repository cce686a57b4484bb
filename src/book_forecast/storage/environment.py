"""Which configuration environment a run uses, and where its data lies.

`--env` and `KEDRO_ENV` (Kedro's own) win over `DEPLOYMENT_ENV`; without any of them a run is a
development run.
"""

import os
from collections.abc import Mapping
from typing import Any

from kedro.config import OmegaConfigLoader
from kedro.framework.context import KedroContext

from book_forecast.storage.errors import UserError

ENVIRONMENTS = ("development", "testing", "production")
DEFAULT_ENVIRONMENT = "development"
BUCKET_VARIABLE = "BOOK_FORECAST_BUCKET"


def choose_environment(option: str | None, variables: Mapping[str, str] = os.environ) -> str:
    """Pick the configuration environment and refuse what is not one.

    Args:
        option: What `--env` says, or None where it was not given. Kedro hands `KEDRO_ENV` over
            in the same place.
        variables: The environment variables to look at.

    Returns:
        One of `ENVIRONMENTS`.

    Raises:
        UserError: The chosen value is not in `ENVIRONMENTS`, among them empty ones and paths.
    """
    if option is not None:
        origin, name = "--env or KEDRO_ENV", option
    elif "KEDRO_ENV" in variables:
        origin, name = "KEDRO_ENV", variables["KEDRO_ENV"]
    elif "DEPLOYMENT_ENV" in variables:
        origin, name = "DEPLOYMENT_ENV", variables["DEPLOYMENT_ENV"]
    else:
        return DEFAULT_ENVIRONMENT
    if name not in ENVIRONMENTS:
        known = ", ".join(ENVIRONMENTS)
        raise UserError(f"{origin} is {name!r}, which is no environment: use one of {known}.")
    return name


def gs_bucket(variable: str) -> str | None:
    """Return the `gs://` address of the bucket that an environment variable names.

    Used in configuration as `${gs_bucket:VARIABLE}`. An unset variable is no error here, because
    `--params data_root=…` may make it unnecessary.

    Args:
        variable: Name of the variable; its value is `bucket`, `bucket/folder` or either of them
            behind `gs://`.

    Returns:
        The address without a trailing slash, or None where the variable is unset or empty.
    """
    name = os.environ.get(variable, "").strip().removeprefix("gs://").strip("/")
    return f"gs://{name}" if name else None


class EnvironmentConfigLoader(OmegaConfigLoader):
    """Kedro's loader for exactly the environments that this project has."""

    def __init__(
        self,
        conf_source: str,
        env: str | None = None,
        runtime_params: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conf_source, choose_environment(env), runtime_params, **kwargs)

    def __getitem__(self, key: str) -> dict[str, Any]:
        """Load one kind of configuration; the catalog only where its root is known."""
        if key == "catalog":
            self._require_data_root()
        config: dict[str, Any] = super().__getitem__(key)
        return config

    def _require_data_root(self) -> None:
        given = "data_root" in self.runtime_params
        root = (self.runtime_params if given else self["globals"]).get("data_root")
        if not root:
            raise UserError(
                f"The {self.env} environment has no data_root: set {BUCKET_VARIABLE} to the name "
                "of the Cloud Storage bucket that holds the data, or run with "
                "--params data_root=<folder or gs://bucket>."
            )


class EnvironmentContext(KedroContext):
    """A Kedro context that knows which environment was chosen for it.

    Kedro itself leaves `env` None unless it was given by `--env` or `KEDRO_ENV`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.env = self.config_loader.env
