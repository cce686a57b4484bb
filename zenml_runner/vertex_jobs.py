"""ZenML's Vertex orchestrator, with retries that a killed container cannot prevent.

ZenML's own retries loop inside the container. Here the job's specification has Vertex start a
container again, whatever has ended it; ZenML then takes the new one for the step's next attempt.
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

_LONGEST_NAME = 120
_NOT_STARTED = (ExecutionStatus.INITIALIZING, ExecutionStatus.PROVISIONING)


class RetryingVertexOrchestrator(VertexOrchestrator):
    """Writes the steps' retries into the job's specification."""

    def submit_pipeline(self, snapshot: Any, *args: Any, **options: Any) -> Any:
        """Submit a pipeline.

        Args:
            snapshot: ZenML's compiled pipeline.
            args: As ZenML's orchestrator takes them.
            options: The same.
        """
        self._retries = {
            name: step.config.retry
            for name, step in snapshot.step_configurations.items()
            if step.config.retry is not None
        }
        return super().submit_pipeline(snapshot, *args, **options)

    def fetch_status(self, run: Any, include_steps: bool = False) -> Any:
        """Ask Vertex for a job's state.

        Vertex calls a job running long before its first container has started. In ZenML a run that
        is running has been taken by a container, and the first one could no longer take it.

        Args:
            run: The ZenML run.
            include_steps: Whether to ask for its steps too.
        """
        status, steps = super().fetch_status(run, include_steps)
        if status == ExecutionStatus.RUNNING and run.status in _NOT_STARTED:
            status = ExecutionStatus.PROVISIONING
        return status, steps

    def delete_schedule(self, schedule: Any) -> None:
        """End a schedule on Vertex too, where ZenML alone would leave it at work.

        Args:
            schedule: ZenML's record of it.
        """
        credentials, project = self._get_authentication()
        place: dict[str, Any] = {
            "credentials": credentials,
            "project": project,
            "location": self.config.location,
        }
        for found in PipelineJobSchedule.list(filter=f'display_name="{schedule.name}"', **place):
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
    """A name that Vertex takes for pipelines and jobs: `__default__` is none.

    Args:
        name: Of a pipeline, or of a run, whose end tells it from others.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[-_LONGEST_NAME:]
    return plain if plain[:1].isalpha() else f"run-{plain.lstrip('-')}"


def with_own_entrypoint(text: str) -> str:
    """Let the containers of a compiled Vertex pipeline start as `StepEntrypoint`."""
    own = "zenml_runner.entrypoint.StepEntrypoint"
    return text.replace(source_utils.resolve(StepEntrypointConfiguration).import_path, own)


def add_retries(specification: dict[str, Any], retries: Mapping[str, StepRetryConfig]) -> None:
    """Give tasks of a compiled Vertex pipeline their retry policy, in place.

    Args:
        specification: As the Kubeflow compiler writes it.
        retries: By name of the step, which is the task's name on display.
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
