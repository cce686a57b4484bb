"""A flavor of ZenML's Vertex orchestrator with two implementations, and its containers' entrypoint.

The one that submits jobs imports Google's clients and Kubeflow's compiler, which takes seconds. A
step in a container submits nothing and uses the other one.
"""

from __future__ import annotations

import os
from typing import Any
from uuid import UUID

from zenml.config.base_settings import BaseSettings
from zenml.constants import METADATA_ORCHESTRATOR_RUN_ID, METADATA_ORCHESTRATOR_URL
from zenml.entrypoints.step_entrypoint_configuration import (
    STEP_NAME_OPTION,
    StepEntrypointConfiguration,
)
from zenml.integrations.gcp.flavors.vertex_orchestrator_flavor import (
    VertexOrchestratorConfig,
    VertexOrchestratorFlavor,
    VertexOrchestratorSettings,
)
from zenml.metadata.metadata_types import MetadataType, Uri
from zenml.orchestrators import BaseOrchestrator

from zenml_runner.client import list_packages_here
from zenml_runner.stacks.registration import VERTEX_FLAVOR
from zenml_runner.tracking.mlflow_run import VERTEX_JOB_VARIABLE

CONSOLE = "https://console.cloud.google.com/vertex-ai/locations/{location}/pipelines/runs/{job}"


class RetryingVertexOrchestratorConfig(VertexOrchestratorConfig):
    """The configuration of Vertex, with its own retries."""

    @property
    def handles_step_retries(self) -> bool:
        """Vertex retries, not ZenML."""
        return True


class VertexOrchestratorInContainer(BaseOrchestrator):
    """The part of the orchestrator that a step in a container needs."""

    @property
    def settings_class(self) -> type[BaseSettings]:
        """The settings of ZenML's Vertex orchestrator."""
        return VertexOrchestratorSettings

    def get_orchestrator_run_id(self) -> str:
        """Return the id of the Vertex job, which all of its containers share."""
        return os.environ[VERTEX_JOB_VARIABLE]

    def get_pipeline_run_metadata(self, run_id: UUID) -> dict[str, MetadataType]:  # noqa: ARG002
        """Return the address of the job's page."""
        config: Any = self.config
        job = self.get_orchestrator_run_id()
        url = CONSOLE.format(location=config.location, job=job)
        if config.project:
            url += f"?project={config.project}"
        return {METADATA_ORCHESTRATOR_RUN_ID: job, METADATA_ORCHESTRATOR_URL: Uri(url)}


class RetryingVertexOrchestratorFlavor(VertexOrchestratorFlavor):
    """The flavor with Vertex's own retries."""

    @property
    def name(self) -> str:
        """The name in ZenML."""
        return VERTEX_FLAVOR

    @property
    def config_class(self) -> type[VertexOrchestratorConfig]:
        """The class of its configuration."""
        return RetryingVertexOrchestratorConfig

    @property
    def implementation_class(self) -> Any:
        """The orchestrator's class, which depends on the process."""
        if VERTEX_JOB_VARIABLE in os.environ:
            return VertexOrchestratorInContainer
        from zenml_runner.stacks.vertex_jobs import RetryingVertexOrchestrator

        return RetryingVertexOrchestrator


class StepEntrypoint(StepEntrypointConfiguration):
    """ZenML's entrypoint without the imports of all libraries with a materializer.

    A step returns plain data, so it needs none of them.
    """

    def run(self) -> None:
        """Run the step that the arguments name."""
        list_packages_here()
        snapshot = self.snapshot
        self.prepare_code_environment()
        self._run_step(step=self.step, snapshot=snapshot)
        self.post_run(
            pipeline_name=snapshot.pipeline_configuration.name,
            step_name=self.entrypoint_args[STEP_NAME_OPTION],
        )
