"""ZenML's Vertex flavor under a name of its own; which class serves it depends on where it runs.

What submits jobs imports Google's clients and Kubeflow's compiler, which takes seconds. A step in a
container submits nothing, and gets by without them.
"""

from __future__ import annotations

import os
from typing import Any
from uuid import UUID

from zenml.config.base_settings import BaseSettings
from zenml.constants import METADATA_ORCHESTRATOR_RUN_ID, METADATA_ORCHESTRATOR_URL
from zenml.integrations.gcp.flavors.vertex_orchestrator_flavor import (
    VertexOrchestratorConfig,
    VertexOrchestratorFlavor,
    VertexOrchestratorSettings,
)
from zenml.metadata.metadata_types import MetadataType, Uri
from zenml.orchestrators import BaseOrchestrator

from zenml_runner.stacks import VERTEX_FLAVOR
from zenml_runner.tracking import VERTEX_JOB_VARIABLE

CONSOLE = "https://console.cloud.google.com/vertex-ai/locations/{location}/pipelines/runs/{job}"


class RetryingVertexOrchestratorConfig(VertexOrchestratorConfig):
    """The configuration of Vertex; it tells ZenML who retries."""

    @property
    def handles_step_retries(self) -> bool:
        """Vertex does."""
        return True


class VertexOrchestratorInContainer(BaseOrchestrator):
    """As much of the orchestrator as a step in one of its containers needs."""

    @property
    def settings_class(self) -> type[BaseSettings]:
        """Of ZenML's Vertex orchestrator."""
        return VertexOrchestratorSettings

    def get_orchestrator_run_id(self) -> str:
        """The id of the Vertex job, which is the same in all of its containers."""
        return os.environ[VERTEX_JOB_VARIABLE]

    def get_pipeline_run_metadata(self, run_id: UUID) -> dict[str, MetadataType]:  # noqa: ARG002
        """Where the job can be looked at.

        Args:
            run_id: Of the ZenML run.
        """
        config: Any = self.config
        job = self.get_orchestrator_run_id()
        url = CONSOLE.format(location=config.location, job=job)
        if config.project:
            url += f"?project={config.project}"
        return {METADATA_ORCHESTRATOR_RUN_ID: job, METADATA_ORCHESTRATOR_URL: Uri(url)}


class RetryingVertexOrchestratorFlavor(VertexOrchestratorFlavor):
    """The flavor."""

    @property
    def name(self) -> str:
        """The name in ZenML."""
        return VERTEX_FLAVOR

    @property
    def config_class(self) -> type[VertexOrchestratorConfig]:
        """What it is configured by."""
        return RetryingVertexOrchestratorConfig

    @property
    def implementation_class(self) -> Any:
        """What it makes."""
        if VERTEX_JOB_VARIABLE in os.environ:
            return VertexOrchestratorInContainer
        from zenml_runner.vertex_jobs import RetryingVertexOrchestrator

        return RetryingVertexOrchestrator
