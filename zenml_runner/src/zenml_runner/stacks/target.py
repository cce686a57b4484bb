"""The stack of a run: where it is found, and what its components can do.

It is in zenml.yml, or among those that are registered with ZenML. What the orchestrator and the
step operators can do is what their classes declare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from zenml_runner.errors import RunnerError, did_you_mean, refuse_unknown
from zenml_runner.settings.zenml_yml import (
    LocalStack,
    MlflowTracker,
    RegisteredStack,
    Stack,
    ZenmlSettings,
)
from zenml_runner.stacks.dialects import (
    ORCHESTRATORS,
    STEP_OPERATORS,
    Dialect,
    unknown_dialect,
)

IN_PROCESS = "local"
"""The flavor of ZenML's orchestrator that runs all steps in its own process."""
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


def choose_stack(settings: ZenmlSettings, name: str | None) -> tuple[str, Stack]:
    """Return name and stack as requested, by default the environment's own.

    Raises:
        RunnerError: If neither zenml.yml nor ZenML has such a stack.
    """
    chosen = name or settings.stack
    if chosen in settings.stacks:
        return chosen, settings.stacks[chosen]
    from zenml.client import Client

    from zenml_runner.client import quiet_client

    quiet_client()
    found = Client().list_stacks(name=chosen, size=1, hydrate=True).items
    if not found:
        known = [stack.name for stack in Client().list_stacks(size=1000).items]
        near = get_close_matches(chosen, known, n=1)
        there = f"did you mean {near[0]!r}?" if near else "`zenml stack list` shows them."
        raise RunnerError(
            f"There is no stack {chosen!r} in zenml.yml: {did_you_mean(chosen, settings.stacks)} "
            f"ZenML has none of this name either: {there}"
        )
    uses_operators = any(own.step_operator for own in settings.steps.every())
    return chosen, _registered(found[0], uses_operators=uses_operators)


def zenml_stack(name: str, stack_id: str) -> Any:
    """Return ZenML's object of a registered stack.

    Raises:
        RunnerError: If packages are missing that it needs.
    """
    from zenml.client import Client
    from zenml.stack import Stack as ZenmlStack

    model = Client().get_stack(stack_id)
    try:
        return ZenmlStack.from_model(model)
    except ImportError as error:
        integrations = sorted(
            {
                component.integration
                for components in model.components.values()
                for component in components
                if component.integration and component.integration != "built-in"
            }
        )
        reason = error.__cause__ or error.__context__ or error
        raise RunnerError(
            f"The stack {name} needs packages that are not installed ({reason}): run "
            f"`zenml integration install {' '.join(integrations)}`."
        ) from error


def _registered(model: Any, *, uses_operators: bool) -> RegisteredStack:
    """Return what a run needs to know of a stack.

    Args:
        model: ZenML's response.
        uses_operators: Whether zenml.yml names step operators; ZenML's local orchestrator runs
            such steps elsewhere.
    """
    from zenml.enums import StackComponentType

    stack = zenml_stack(model.name, str(model.id))
    orchestrator = model.components[StackComponentType.ORCHESTRATOR][0]
    operators = model.components.get(StackComponentType.STEP_OPERATOR)
    return RegisteredStack(
        id=str(model.id),
        orchestrator=orchestrator.flavor_name,
        in_process=orchestrator.flavor_name == IN_PROCESS and not (operators and uses_operators),
        needs_server=stack.requires_remote_server,
        mlflow=_tracker(model.components.get(StackComponentType.EXPERIMENT_TRACKER)),
    )


def _tracker(components: Any) -> MlflowTracker | None:
    for component in components or ():
        if component.flavor_name == "mlflow":
            return MlflowTracker(tracking_uri=component.configuration.get("tracking_uri"))
    return None
