"""The configuration environment of a run, and the location of its data.

`--env` and `KEDRO_ENV` (Kedro's own) win over `DEPLOYMENT_ENV`; the default is development.
"""

import os
from collections.abc import Mapping
from typing import Any

from kedro.config import OmegaConfigLoader
from kedro.framework.context import KedroContext

from book_forecast.storage.data_root import checked_data_root
from book_forecast.storage.errors import UserError

ENVIRONMENTS = ("development", "testing", "production", "bigquery")
DEFAULT_ENVIRONMENT = "development"
BUCKET_VARIABLE = "BOOK_FORECAST_BUCKET"


def choose_environment(option: str | None, variables: Mapping[str, str] = os.environ) -> str:
    """Choose the configuration environment.

    Args:
        option: Value of `--env`, or of `KEDRO_ENV`, which Kedro passes as if it were the option.
        variables: The environment variables.

    Returns:
        One of `ENVIRONMENTS`.

    Raises:
        UserError: The value is none of `ENVIRONMENTS`.
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
    """Return the `gs://` URL of the bucket that an environment variable names.

    Configuration uses it as `${gs_bucket:VARIABLE}`. An unset variable is no error here, because
    `--params data_root=…` may replace it.

    Args:
        variable: Name of the variable; its value is `bucket` or `bucket/folder`, with or without
            `gs://`.

    Returns:
        The URL without a trailing slash, or None if the variable is unset or empty.
    """
    name = os.environ.get(variable, "").strip().removeprefix("gs://").strip("/")
    return f"gs://{name}" if name else None


def variable(name: str, default: str | None = None) -> str | None:
    """Return an environment variable; an empty one is as good as none.

    Configuration uses it as `${variable:NAME}` or `${variable:NAME,default}`. Steps in containers
    have an empty variable where the machine that submits them has none.
    """
    return os.environ.get(name, "").strip() or default


def with_checked_root(runtime_params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Check a data root among run-time parameters, before anything is made of it.

    Kedro reads a relative one from the project's folder. Commands make theirs absolute.

    Raises:
        UserError: It is no data root.
    """
    given = dict(runtime_params or {})
    if "data_root" in given:
        given["data_root"] = checked_data_root(given["data_root"])
    return given


class EnvironmentConfigLoader(OmegaConfigLoader):
    """Kedro's loader, restricted to the environments of this project."""

    def __init__(
        self,
        conf_source: str,
        env: str | None = None,
        runtime_params: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        given = with_checked_root(runtime_params)
        super().__init__(conf_source, choose_environment(env), given, **kwargs)

    def __getitem__(self, key: str) -> dict[str, Any]:
        """Load one kind of configuration; the catalog needs a data root."""
        if key == "catalog":
            self._require_data_root()
        config: dict[str, Any] = super().__getitem__(key)
        return config

    def _require_data_root(self) -> None:
        if "data_root" not in self.runtime_params and not self["globals"].get("data_root"):
            raise UserError(
                f"The {self.env} environment has no data_root: set {BUCKET_VARIABLE} to the name "
                "of the Cloud Storage bucket that holds the data, or run with "
                "--data-root <folder or gs://bucket>."
            )


class EnvironmentContext(KedroContext):
    """A Kedro context with the chosen environment as `env`, which Kedro itself leaves None."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.env = self.config_loader.env
