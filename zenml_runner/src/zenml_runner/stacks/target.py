"""What the orchestrator and the step operators of a stack can do, as their classes declare it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from zenml_runner.errors import RunnerError, refuse_unknown
from zenml_runner.settings.zenml_yml import LocalStack, RegisteredStack, Stack
from zenml_runner.stacks.dialects import (
    ORCHESTRATORS,
    STEP_OPERATORS,
    Dialect,
    unknown_dialect,
)
from zenml_runner.stacks.lookup import IN_PROCESS, zenml_stack

ORCHESTRATOR = "orchestrator"
STEP_OPERATOR = "step_operator"


@dataclass(frozen=True)
class Target:
    """The stack of a run.

    Attributes:
        name: Of the stack, for messages.
        flavor: Of its orchestrator.
        in_process: Whether all steps run in the process of the command.
        orchestrator: ZenML's object; None for stacks of zenml.yml, whose flavor is known.
        step_operators: ZenML's objects by name.
    """

    name: str
    flavor: str
    in_process: bool
    orchestrator: Any = None
    step_operators: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_driven_here(self) -> bool:
        """Whether this process starts the steps, so that the run ends with it."""
        return self.flavor in (IN_PROCESS, "local_docker")

    @property
    def is_schedulable(self) -> bool:
        """Whether its orchestrator has a scheduler."""
        if self.orchestrator is None:
            return not self.in_process
        return bool(self.orchestrator.config.is_schedulable)

    @property
    def deletes_schedules(self) -> bool:
        """Whether a schedule that ZenML deletes ends."""
        return self.orchestrator is None or bool(self.orchestrator.supports_schedule_deletion)

    @cached_property
    def settings_class(self) -> Any:
        """The class of the orchestrator's settings; None if it has none."""
        if self.orchestrator is not None:
            return self.orchestrator.settings_class
        from zenml.integrations.gcp.flavors.vertex_orchestrator_flavor import (
            VertexOrchestratorSettings,
        )

        return VertexOrchestratorSettings

    def dialect(self, operator: str | None) -> Dialect:
        """Return the words of the orchestrator, or of a step operator."""
        if operator is None:
            known = ORCHESTRATORS.get(self.flavor)
            return known or unknown_dialect(self.orchestrator)
        component = self.step_operators[operator]
        return STEP_OPERATORS.get(component.flavor) or unknown_dialect(component)

    def words(self, operator: str | None) -> str:
        """Return words for the component that runs a step."""
        if operator is None:
            return f"the orchestrator {self.flavor} of the stack {self.name}"
        return f"the step operator {operator} of the stack {self.name}"

    def refuse_operator(self, step: str, operator: str | None) -> None:
        """Refuse a step operator that the stack lacks.

        Raises:
            RunnerError: With the step and those that it has.
        """
        if operator is None:
            return
        if not self.step_operators:
            raise RunnerError(
                f"zenml.yml gives the step {step} step_operator: {operator}, and the stack "
                f"{self.name} has no step operators: leave it out, or add one with "
                "`zenml stack update`."
            )
        where = f"in the stack {self.name}, which zenml.yml names for the step {step}"
        refuse_unknown("step operator", [operator], self.step_operators, where=where)

    @property
    def components(self) -> list[tuple[str, str, str]]:
        """Type, flavor and name of the components that have settings."""
        names = [
            (STEP_OPERATOR, operator.flavor, name) for name, operator in self.step_operators.items()
        ]
        own = "" if self.orchestrator is None else self.orchestrator.name
        return [(ORCHESTRATOR, self.flavor, own), *names]


def target_of(name: str, stack: Stack) -> Target:
    """Return what a stack can do.

    Raises:
        RunnerError: If packages are missing that it needs.
    """
    if isinstance(stack, LocalStack):
        return Target(name, IN_PROCESS, in_process=True)
    if not isinstance(stack, RegisteredStack):
        return Target(name, stack.type, in_process=False)
    found = zenml_stack(name, stack.id)
    return Target(
        name,
        stack.orchestrator,
        in_process=stack.in_process,
        orchestrator=found.orchestrator,
        step_operators=found.step_operators,
    )
