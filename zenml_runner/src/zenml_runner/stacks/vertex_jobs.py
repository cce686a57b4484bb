"""ZenML's Vertex orchestrator, with retries that also work for killed containers.

ZenML's own retries loop inside the container. Here the job's specification lets Vertex restart a
container, whatever has ended it; for ZenML the new container is the step's next attempt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.cloud.aiplatform import PipelineJobSchedule
from zenml.config.retry_config import StepRetryConfig
from zenml.entrypoints import StepEntrypointConfiguration
from zenml.enums import ExecutionStatus
from zenml.integrations.gcp.orchestrators import VertexOrchestrator
from zenml.utils import source_utils

_MAX_NAME_LENGTH = 120
_NOT_STARTED = (ExecutionStatus.INITIALIZING, ExecutionStatus.PROVISIONING)


class RetryingVertexOrchestrator(VertexOrchestrator):
    """Writes the steps' retries into the job's specification."""

    def submit_pipeline(self, snapshot: Any, *args: Any, **options: Any) -> Any:
        """Submit ZenML's compiled pipeline, and note the retries of its steps."""
        self._retries = {
            name: step.config.retry
            for name, step in snapshot.step_configurations.items()
            if step.config.retry is not None
        }
        return super().submit_pipeline(snapshot, *args, **options)

    def fetch_status(self, run: Any, include_steps: bool = False) -> Any:
        """Return the status of a job.

        Vertex calls a job running long before its first container has started. In ZenML the first
        container of a run claims it, and cannot claim a run that is already running.
        """
        status, steps = super().fetch_status(run, include_steps)
        if status == ExecutionStatus.RUNNING and run.status in _NOT_STARTED:
            status = ExecutionStatus.PROVISIONING
        return status, steps

    def delete_schedule(self, schedule: Any) -> None:
        """Delete a schedule on Vertex too; ZenML alone would leave it active."""
        credentials, project = self._get_authentication()
        client: dict[str, Any] = {
            "credentials": credentials,
            "project": project,
            "location": self.config.location,
        }
        for found in PipelineJobSchedule.list(filter=f'display_name="{schedule.name}"', **client):
            found.delete()

    def _upload_and_run_pipeline(
        self,
        pipeline_name: str,
        pipeline_file_path: str,
        run_name: str,
        *args: Any,
        **options: Any,
    ) -> Any:
        path = Path(pipeline_file_path)
        specification = json.loads(with_own_entrypoint(path.read_text(encoding="utf-8")))
        specification["pipelineInfo"]["name"] = vertex_name(pipeline_name)
        add_retries(specification, self._retries)
        path.write_text(json.dumps(specification), encoding="utf-8")
        return super()._upload_and_run_pipeline(
            pipeline_name, pipeline_file_path, vertex_name(run_name), *args, **options
        )


def vertex_name(name: str) -> str:
    """Return a valid name of a Vertex pipeline or job; it ends like the given name."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[-_MAX_NAME_LENGTH:]
    return plain if plain[:1].isalpha() else f"run-{plain.lstrip('-')}"


def with_own_entrypoint(text: str) -> str:
    """Replace the entrypoint in a compiled Vertex pipeline by `StepEntrypoint`."""
    own = "zenml_runner.stacks.vertex.StepEntrypoint"
    return text.replace(source_utils.resolve(StepEntrypointConfiguration).import_path, own)


def add_retries(specification: dict[str, Any], retries: Mapping[str, StepRetryConfig]) -> None:
    """Add retry policies to the tasks of a compiled Vertex pipeline, in place.

    Args:
        specification: As the Kubeflow compiler writes it.
        retries: By name of the step, which is also the task's display name.
    """
    for task in specification["root"]["dag"]["tasks"].values():
        retry = retries.get(task["taskInfo"]["name"])
        if retry is not None:
            task["retryPolicy"] = {
                "maxRetryCount": retry.max_retries,
                "backoffDuration": f"{retry.delay}s",
                "backoffFactor": max(float(retry.backoff), 1.0),
                "backoffMaxDuration": "3600s",
            }
