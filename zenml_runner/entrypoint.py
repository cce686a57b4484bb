"""What a container on Vertex starts."""

from __future__ import annotations

from zenml.entrypoints.step_entrypoint_configuration import (
    STEP_NAME_OPTION,
    StepEntrypointConfiguration,
)


class StepEntrypoint(StepEntrypointConfiguration):
    """ZenML's own, without importing every library that ZenML has a materializer for.

    A step here returns plain data; what its nodes read and write is in Kedro's catalog.
    """

    def run(self) -> None:
        """Run the step that the arguments name."""
        snapshot = self.snapshot
        self.prepare_code_environment()
        self._run_step(step=self.step, snapshot=snapshot)
        self.post_run(
            pipeline_name=snapshot.pipeline_configuration.name,
            step_name=self.entrypoint_args[STEP_NAME_OPTION],
        )
