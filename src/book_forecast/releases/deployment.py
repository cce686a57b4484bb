"""Deploys a release to an endpoint of Vertex AI, which serves it with the project's image."""

from __future__ import annotations

import logging
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

PORT = 8080
COMMAND = ("python", "-m", "book_forecast.serving")


class Deployment(BaseModel):
    """An endpoint of Vertex AI.

    Attributes:
        endpoint: Its name; it is made if it does not exist.
        project: Google Cloud project.
        location: Region.
        image: Container image with the service.
        machine_type: Machine type of each replica.
        min_replicas: Smallest number of replicas.
        max_replicas: Largest number of replicas.
        service_account: Account that the service runs as; it must be able to read the release.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str = Field(pattern=r"^[A-Za-z][\w-]{0,99}$")
    project: str = Field(min_length=1)
    location: str = Field(min_length=1)
    image: str = Field(min_length=1)
    machine_type: str = "n1-standard-2"
    min_replicas: int = Field(default=1, ge=1)
    max_replicas: int = Field(default=1, ge=1)
    service_account: str | None = None


def deploy(release: str, location: str, deployment: Deployment) -> str:
    """Deploy a release in place of all others of an endpoint.

    The old release stays until the new one is ready; Vertex AI then moves all requests at once.

    Args:
        release: Its id.
        location: Its folder, `gs://…`.
        deployment: The endpoint.

    Returns:
        Vertex AI's name of the endpoint.

    Raises:
        UserError: If the release is not in a bucket, or Google's package is not installed.
    """
    deployable(location, "Vertex AI")
    try:
        from google.cloud import aiplatform
    except ImportError:
        raise UserError(
            "google-cloud-aiplatform is not installed: `make zenml` installs it."
        ) from None
    where = {"project": deployment.project, "location": deployment.location}
    endpoint = _endpoint(aiplatform, deployment.endpoint, where)
    before = [model.id for model in endpoint.list_models()]
    model = aiplatform.Model.upload(
        display_name=f"{deployment.endpoint}-{release}",
        artifact_uri=location,
        serving_container_image_uri=deployment.image,
        serving_container_command=COMMAND,
        serving_container_ports=[PORT],
        serving_container_predict_route="/predict",
        serving_container_health_route="/readyz",
        **where,
    )
    logger.info("Vertex AI has uploaded %s as %s", release, model.resource_name)
    endpoint.deploy(
        model=model,
        deployed_model_display_name=release,
        machine_type=deployment.machine_type,
        min_replica_count=deployment.min_replicas,
        max_replica_count=deployment.max_replicas,
        service_account=deployment.service_account,
        traffic_percentage=100,
    )
    for old in before:
        endpoint.undeploy(deployed_model_id=old)
    return str(endpoint.resource_name)


def deployable(location: str, where: str) -> None:
    """Refuse what a service elsewhere cannot read.

    Args:
        location: Of one or all releases.
        where: Name of the service.

    Raises:
        UserError: If it is not in a bucket.
    """
    if not location.startswith("gs://"):
        raise UserError(
            f"{location} is not in a bucket, so {where} cannot read it: deploy from an "
            "environment with its data in one, such as --env production."
        )


def _endpoint(aiplatform: Any, name: str, where: dict[str, str]) -> Any:
    found = aiplatform.Endpoint.list(filter=f'display_name="{name}"', **where)
    return found[0] if found else aiplatform.Endpoint.create(display_name=name, **where)
