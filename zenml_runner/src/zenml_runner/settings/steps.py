"""Machines, retries and the like of steps: the section `steps` of zenml.yml."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field, field_validator

from zenml_runner.settings.sections import Section, deep_merge

Memory = Annotated[str, Field(pattern=r"^[1-9][0-9]*(KB|KiB|MB|MiB|GB|GiB|TB|TiB)$")]
ComponentSettings = dict[str, dict[str, Any]]
"""ZenML's settings by ZenML's key."""


class Retry(Section):
    """Retries of a failed step.

    Attributes:
        max_retries: Attempts after the first one.
        delay: Seconds before the first retry.
        backoff: Factor of the delay from one retry to the next; 0 and 1 leave it as it is.
    """

    max_retries: int = Field(default=1, ge=0, le=100)
    delay: int = Field(default=0, ge=0)
    backoff: int = Field(default=1, ge=0, le=60)


class Machine(Section):
    """The machine of a step.

    Attributes:
        cpu: Number of cores.
        memory: Such as ``4GB``.
        gpu: Number of accelerators.
        accelerator: The stack's name of the accelerator, such as ``NVIDIA_TESLA_T4`` on Vertex.
        machine_type: The stack's name of the machine, such as ``n2-highmem-8``. On Vertex the step
            runs as a custom job with all of its cores and memory.
        spot: Whether the machine may be taken away, for a lower price.
        node_pool: The stack's name of the machines to choose from: a node pool on Kubernetes, a
            persistent resource on Vertex, a compute cluster on AzureML.
    """

    cpu: float | None = Field(default=None, gt=0)
    memory: Memory | None = None
    gpu: int | None = Field(default=None, ge=0)
    accelerator: str | None = None
    machine_type: str | None = None
    spot: bool | None = None
    node_pool: str | None = None


class Size(Machine):
    """A machine for steps of a size.

    Attributes:
        up_to: Largest number of items of such a step; None for every number.
    """

    up_to: int | None = Field(default=None, ge=1)


class StepSettings(Machine):
    """Machine, retries, caching and environment of a step.

    The name of a key here is the same on all stacks. What a stack has no word for is refused before
    a run is submitted; on ZenML's local orchestrator, which has no machines, it has no effect.

    Attributes:
        sizes: Machines by the number of items that the step works on, the smallest first. They
            win over the machine beside them.
        retry: Retries after a failure.
        caching: Whether the step is skipped when its code, parameters, inputs and outputs are
            unchanged since its last completed run.
        timeout: Seconds after which the step is ended.
        image: Container image, in place of that of the whole project.
        environment: Environment variables, without the empty ones. Not for secrets.
        secrets: Names of ZenML secrets, whose keys and values are environment variables while the
            step runs; or of environment variables, which are then stored as ZenML secrets.
        step_operator: Name of a step operator of the stack that runs the step.
        settings: ZenML's settings by ZenML's key, such as ``orchestrator.kubernetes``. They win
            over what the keys above mean there.
    """

    sizes: list[Size] = []
    retry: Retry | None = None
    caching: bool | None = None
    timeout: int | None = Field(default=None, gt=0)
    image: str | None = None
    environment: dict[str, str] = {}
    secrets: list[str] = []
    step_operator: str | None = None
    settings: ComponentSettings = {}

    @field_validator("sizes")
    @classmethod
    def _refuse_unreachable_sizes(cls, sizes: list[Size]) -> list[Size]:
        limits = [math.inf if size.up_to is None else size.up_to for size in sizes]
        if any(later <= earlier for earlier, later in pairwise(limits)):
            raise ValueError("up_to must grow from line to line; only the last line may lack it")
        return sizes

    def sized(self, items: int | None) -> StepSettings:
        """Return these settings with the machine of a size in place of all sizes.

        Args:
            items: Number of items; None, where it is unknown, takes the last size.
        """
        if not self.sizes:
            return self
        fitting = (
            size
            for size in self.sizes
            if items is not None and (size.up_to is None or items <= size.up_to)
        )
        size = next(fitting, self.sizes[-1])
        machine = {name: getattr(size, name) for name in size.model_fields_set - {"up_to"}}
        given = {name: getattr(self, name) for name in self.model_fields_set - {"sizes"}}
        return StepSettings(**given | machine)

    def overridden_by(self, other: StepSettings) -> StepSettings:
        """Return these settings with those of `other` in their place."""
        given = {name: getattr(other, name) for name in other.model_fields_set}
        if "environment" in given:
            given["environment"] = self.environment | other.environment
        if "secrets" in given:
            given["secrets"] = list(dict.fromkeys([*self.secrets, *other.secrets]))
        if "settings" in given:
            given["settings"] = deep_merge(self.settings, other.settings)
        return self.model_copy(update=given)


class Steps(Section):
    """Settings of steps; those of tags win over the default, those of nodes over both.

    Attributes:
        default: For every step.
        tags: By tag of the step's nodes; later lines win.
        nodes: By name of a node in the step.
    """

    default: StepSettings = StepSettings()
    tags: dict[str, StepSettings] = {}
    nodes: dict[str, StepSettings] = {}

    def every(self) -> Iterator[StepSettings]:
        """Return all settings of the section."""
        yield self.default
        yield from self.tags.values()
        yield from self.nodes.values()
