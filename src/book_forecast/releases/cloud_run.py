"""Deploys a release, or whichever is champion, to a service of Cloud Run."""

from __future__ import annotations

import datetime as dt
import logging
import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from book_forecast.releases.deployment import COMMAND, PORT, deployable
from book_forecast.releases.kept import Kept, KeptReleases
from book_forecast.storage.errors import UserError
from book_forecast.storage.user import user

if TYPE_CHECKING:
    from google.cloud.run_v2 import Container, Service, ServicesClient

logger = logging.getLogger(__name__)

RELEASES, ONE_RELEASE, STOCK = (
    "BOOK_FORECAST_RELEASES",
    "BOOK_FORECAST_SERVE_STORAGE_URI",
    "BOOK_FORECAST_SERVE_STOCK",
)
"""Variables of the service that a deployment sets; others of an existing service stay."""
_CPU, _MEMORY, _MOST_INSTANCES = "1", "2Gi", 2
_NOT_IN_LABELS = re.compile(r"[^a-z0-9_-]+")
_SECONDS = 1800.0
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$")]


class CloudRunDeployment(BaseModel):
    """A service of Cloud Run.

    Attributes:
        service: Its name; it is made if it does not exist.
        project: Google Cloud project.
        location: Region.
        image: Container image with the service.
        service_account: Account that the service runs as; it must be able to read the data. None
            leaves that of an existing service.
        min_replicas: Smallest number of instances; None leaves that of an existing service.
        max_replicas: Largest number of instances; None leaves that of an existing service.
        memory: Memory of an instance, such as 2Gi; None leaves that of an existing service.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: _Name
    project: str = Field(min_length=1)
    location: str = Field(min_length=1)
    image: str = Field(min_length=1)
    service_account: str | None = None
    min_replicas: int | None = Field(default=None, ge=0)
    max_replicas: int | None = Field(default=None, ge=1)
    memory: str | None = Field(default=None, pattern=r"^\d+(\.\d+)?(Mi|Gi)$")

    @property
    def name(self) -> str:
        """Cloud Run's name of the service."""
        return f"projects/{self.project}/locations/{self.location}/services/{self.service}"


def serve_on_cloud_run(
    releases: str,
    release: str | None,
    stock: str | None,
    deployment: CloudRunDeployment,
    client: ServicesClient | None = None,
) -> str:
    """Deploy, and keep the release that the service needs from removal by `prune`.

    Where the deployment fails, the release that the service has served until then is kept too.
    `deploy_to_cloud_run` has arguments, result and errors.
    """
    deployable(releases, "Cloud Run")
    kept = KeptReleases(releases)
    if release is not None:
        # Before the service reads it.
        now, why = dt.datetime.now(dt.UTC), f"served by {deployment.name}"
        kept.keep(Kept(release=release, who=user(), when=now, why=why), deployment.name)
    address = deploy_to_cloud_run(releases, release, stock, deployment, client)
    kept.only_needs(deployment.name, release)
    return address


def deploy_to_cloud_run(
    releases: str,
    release: str | None,
    stock: str | None,
    deployment: CloudRunDeployment,
    client: ServicesClient | None = None,
) -> str:
    """Make a service, or a new revision of one, which gets all requests once it is ready.

    Args:
        releases: Folder of all releases, `gs://…`.
        release: The id of the release to serve; None for whichever is champion.
        stock: File with advice on stock, `gs://…`; None for none.
        deployment: The service.
        client: Of Cloud Run; Google's own if not given.

    Returns:
        The address of the service.

    Raises:
        UserError: If the releases are not in a bucket, Google's package is not installed, or Cloud
            Run refuses.
    """
    deployable(releases, "Cloud Run")
    try:
        from google.api_core.exceptions import GoogleAPIError, RetryError
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import run_v2
        from requests.exceptions import RequestException
    except ImportError:
        raise UserError("google-cloud-run is not installed: `make zenml` installs it.") from None
    variables = {RELEASES: releases, ONE_RELEASE: "", STOCK: stock or ""}
    if release is not None:
        variables[ONE_RELEASE] = f"{releases}/{release}"
    try:
        client = client or run_v2.ServicesClient(transport="rest")
        service = _existing(client, deployment.name)
        is_new = service is None
        service = service or new_service(run_v2)
        _change(run_v2, service, deployment, variables, release)
        if is_new:
            parent = deployment.name.partition("/services/")[0]
            operation = client.create_service(
                parent=parent, service=service, service_id=deployment.service
            )
        else:
            operation = client.update_service(service=service)
        logger.info("Cloud Run starts %s with %s", deployment.name, deployment.image)
        served: Service = operation.result(timeout=_SECONDS)  # type: ignore[no-untyped-call]
        return str(served.uri)
    except (RequestException, RetryError, TimeoutError) as error:
        raise UserError(
            f"Cloud Run does not say that it serves {deployment.name}: {type(error).__name__}. It "
            "may still start it: look there, and deploy again if it does not."
        ) from error
    except (GoogleAPIError, GoogleAuthError) as error:
        raise UserError(
            f"Cloud Run does not serve {deployment.name}: {error}. The service is as it was; "
            "docs/cloud.md lists the roles that a deployment needs."
        ) from error


def _existing(client: ServicesClient, name: str) -> Service | None:
    from google.api_core.exceptions import NotFound

    try:
        return client.get_service(name=name)
    except NotFound:
        return None


def new_service(run_v2: Any) -> Service:
    """A service as it is made: callers need a role, and the watch of the champion needs a CPU."""
    probe = run_v2.HTTPGetAction(path="/readyz", port=PORT)
    alive = run_v2.HTTPGetAction(path="/healthz", port=PORT)
    container = run_v2.Container(
        ports=[run_v2.ContainerPort(container_port=PORT)],
        resources=run_v2.ResourceRequirements(
            limits={"cpu": _CPU, "memory": _MEMORY}, cpu_idle=False, startup_cpu_boost=True
        ),
        # A bucket with a large release takes its time.
        startup_probe=run_v2.Probe(http_get=probe, period_seconds=5, failure_threshold=36),
        liveness_probe=run_v2.Probe(http_get=alive, period_seconds=30, failure_threshold=3),
    )
    template = run_v2.RevisionTemplate(
        containers=[container],
        scaling=run_v2.RevisionScaling(min_instance_count=1, max_instance_count=_MOST_INSTANCES),
    )
    return run_v2.Service(
        template=template,
        ingress=run_v2.IngressTraffic.INGRESS_TRAFFIC_ALL,
    )


def _change(
    run_v2: Any,
    service: Service,
    deployment: CloudRunDeployment,
    variables: dict[str, str],
    release: str | None,
) -> None:
    """Let a service serve what is wanted; everything else of it stays."""
    template = service.template
    # Also where somebody has gone back to a former revision: the new one would get no request.
    latest = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
    service.traffic = [run_v2.TrafficTarget(type_=latest, percent=100)]
    # Cloud Run names each revision itself; a name is not given twice.
    template.revision = ""
    template.labels["release"] = _NOT_IN_LABELS.sub("-", (release or "champion").lower())
    container = template.containers[0]
    container.image = deployment.image
    container.command, container.args = [COMMAND[0]], list(COMMAND[1:])
    _set_variables(run_v2, container, variables)
    if deployment.service_account is not None:
        template.service_account = deployment.service_account
    if deployment.min_replicas is not None:
        template.scaling.min_instance_count = deployment.min_replicas
    if deployment.max_replicas is not None:
        template.scaling.max_instance_count = deployment.max_replicas
    if deployment.memory is not None:
        container.resources.limits["memory"] = deployment.memory


def _set_variables(run_v2: Any, container: Container, variables: dict[str, str]) -> None:
    others = [variable for variable in container.env if variable.name not in variables]
    own = [run_v2.EnvVar(name=name, value=value) for name, value in variables.items() if value]
    container.env = [*others, *own]
