"""Finds the stack of a run: in zenml.yml, or among those that are registered with ZenML."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from zenml_runner.errors import RunnerError, did_you_mean
from zenml_runner.settings.zenml_yml import MlflowTracker, RegisteredStack, Stack, ZenmlSettings

IN_PROCESS = "local"
"""The flavor of ZenML's orchestrator that runs all steps in its own process."""


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
