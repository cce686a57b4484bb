"""The settings of the service: environment variables and command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
)

from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.storage.errors import UserError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that only this machine reaches."""
_PREFIX = "BOOK_FORECAST_SERVE_"
_NAMES = {
    "AIP_STORAGE_URI": "storage_uri",
    "AIP_HTTP_PORT": "port",
    "AIP_HEALTH_ROUTE": "health_route",
    "AIP_PREDICT_ROUTE": "predict_route",
    "BOOK_FORECAST_RELEASES": "releases",
    "BOOK_FORECAST_TOKEN": "token",
}


def _sendable(token: SecretStr) -> SecretStr:
    """Refuse a token that no caller can send, such as one with a file's last line end."""
    if not all("!" <= letter <= "~" for letter in token.get_secret_value()):
        raise ValueError("it may have letters, digits and signs of ASCII, but no blank or line end")
    return token


Token = Annotated[SecretStr, Field(min_length=8), AfterValidator(_sendable)]
Route = Annotated[str, StringConstraints(pattern=r"^/[^\s{}?#]*$", max_length=500)]


class ServiceSettings(BaseModel):
    """All settings.

    Attributes:
        storage_uri: Folder of one release, or of an MLflow model with one, local or `gs://…`.
        releases: Folder of all releases, local or `gs://…`; its champion is served if there is no
            `storage_uri`.
        stock: File with advice on stock, as the pipeline `decide` writes it, local or `gs://…`.
        host: Address to listen at; by default loopback, or everything where Vertex AI or Cloud Run
            names a port.
        port: Port to listen at; 0 takes a free one.
        health_route: A second path of `/readyz`.
        predict_route: A second path of `/predict`.
        token: Bearer token that callers must send; None lets everybody in.
        write_overrides: Whether overrides by people are written beside the releases.
        log: Folder of the log of served forecasts, local or `gs://…`; None for no log.
        log_seconds: Between two files of it, unless many answers wait.
        log_waiting: Answers at most that wait to be written; further ones are dropped and counted.
        log_bytes: Of all files of the log; when they are reached, nothing more is written.
        poll_seconds: How often to look for another champion.
        max_body: Bytes of a request at most.
        max_instances: Instances of a request at most.
        max_horizon: Longest horizon of a request, in weeks.
        body_seconds: Seconds for the head of a request to arrive, and then for its body; and how
            long a caller may take nothing of a response.
        shutdown_seconds: Seconds for running requests when the service is asked to end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    storage_uri: str | None = Field(None, min_length=1)
    releases: str | None = Field(None, min_length=1)
    stock: str | None = Field(None, min_length=1)
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    health_route: Route | None = None
    predict_route: Route | None = None
    token: Token | None = None
    write_overrides: bool = False
    log: str | None = Field(None, min_length=1)
    log_seconds: float = Field(60.0, gt=0.0, le=3600.0)
    log_waiting: int = Field(20_000, ge=1, le=1_000_000)
    log_bytes: int = Field(10_000_000_000, ge=100_000)
    poll_seconds: float = Field(10.0, gt=0.0, le=86400.0)
    max_body: int = Field(1_000_000, ge=1000, le=100_000_000)
    max_instances: int = Field(1000, ge=1, le=100_000)
    max_horizon: int = Field(LONGEST_HORIZON, ge=1, le=LONGEST_HORIZON)
    body_seconds: float = Field(30.0, gt=0.0, le=3600.0)
    shutdown_seconds: int = Field(10, ge=0, le=3600)


def read_settings(environ: Mapping[str, str], **given: Any) -> ServiceSettings:
    """Read the settings.

    Args:
        environ: Environment variables; an empty one counts as not set.
        given: ServiceSettings from the command line, which win; None counts as not given.

    Returns:
        The settings.

    Raises:
        UserError: If a variable is unknown, a value is out of bounds, or no release is named.
    """
    found: dict[str, Any] = {}
    variables: dict[str, str] = {}
    for variable, value in environ.items():
        name = _NAMES.get(variable)
        if name is None and variable.startswith(_PREFIX):
            name = variable.removeprefix(_PREFIX).lower()
        if name is not None and value:
            found[name], variables[name] = value, variable
    is_cloud_run = bool(environ.get("PORT") and environ.get("K_SERVICE"))
    if is_cloud_run and "port" not in found:
        found["port"], variables["port"] = environ["PORT"], "PORT"
    # Requests of Vertex AI and Cloud Run come from outside of the container.
    if environ.get("AIP_HTTP_PORT") or is_cloud_run:
        found.setdefault("host", "0.0.0.0")  # noqa: S104
    found |= {name: value for name, value in given.items() if value is not None}
    try:
        settings = ServiceSettings.model_validate(found)
    except ValidationError as error:
        problems = "; ".join(
            f"{variables.get(str(e['loc'][0]), e['loc'][0])}: {e['msg']}"
            for e in error.errors(include_input=False, include_url=False)
        )
        raise UserError(f"The settings of the service are invalid: {problems}.") from None
    if settings.storage_uri is None and settings.releases is None:
        raise UserError(
            "No release is named: set AIP_STORAGE_URI to the folder of one release, or "
            "BOOK_FORECAST_RELEASES (or --releases) to the folder of all releases."
        )
    _check_overrides(settings)
    return settings


def _check_overrides(settings: ServiceSettings) -> None:
    if not settings.write_overrides:
        return
    if settings.releases is None:
        raise UserError(
            "BOOK_FORECAST_SERVE_WRITE_OVERRIDES needs the folder of all releases: set "
            "BOOK_FORECAST_RELEASES (or --releases)."
        )
    if settings.token is None and settings.host not in LOOPBACK:
        raise UserError(
            f"BOOK_FORECAST_SERVE_WRITE_OVERRIDES needs a token where others reach the service: "
            f"set BOOK_FORECAST_TOKEN, or listen at 127.0.0.1 instead of {settings.host}."
        )
