"""The entrypoint of a container on Vertex."""

from __future__ import annotations

from zenml.entrypoints.step_entrypoint_configuration import (
    STEP_NAME_OPTION,
    StepEntrypointConfiguration,
)

from zenml_runner.client import list_packages_here


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
