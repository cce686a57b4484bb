"""Turns groups of nodes into steps: one each, or one for each shard with barriers between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from zenml_runner.plan import ShardSpec, StepPlan
from zenml_runner.planning.group_keys import MAX_NAME_LENGTH
from zenml_runner.planning.groups import NodeNames, reduced
from zenml_runner.settings.steps import Machine, StepSettings
from zenml_runner.settings.zenml_yml import ZenmlSettings

MIN_SHARDS_OF_BARRIER = 3
"""With fewer shards a barrier has no fewer ties than shards that wait for each other."""


@dataclass
class StepBuilder:
    """Makes the steps of a run from its groups.

    Attributes:
        pipeline: The nodes.
        settings: The project's zenml.yml.
        fanned: Nodes that run in shards.
        shards: Number of shards.
        items: Number of items of the run, if it was counted.
    """

    pipeline: Pipeline
    settings: ZenmlSettings
    fanned: frozenset[str]
    shards: int
    items: int | None

    def __post_init__(self) -> None:
        self._nodes = {node.name: node for node in self.pipeline.nodes}

    def steps(self, groups: Sequence[NodeNames], names: Sequence[str]) -> list[StepPlan]:
        """Return the steps in an order in which they can run.

        A step waits for those steps alone that no other one of them waits for. Where shards would
        wait for the shards of other groups, one step without nodes stands between: n shards have
        n + n ties in place of n * n.

        Args:
            groups: Names of nodes, in an order in which they can run.
            names: A name for each group.
        """
        steps: list[StepPlan] = []
        steps_of: list[tuple[str, ...]] = []
        barriers: dict[frozenset[int], str] = {}
        taken = set(names)
        for i, above in enumerate(self._waits(groups)):
            apart = self.shards > 1 and bool(self.fanned & set(groups[i]))
            after = [(p, steps_of[p]) for p in sorted(above)]
            waits = tuple(name for _, those in after for name in those)
            fanned = frozenset(p for p, those in after if len(those) > 1)
            if apart and fanned and self.shards >= MIN_SHARDS_OF_BARRIER:
                if fanned not in barriers:
                    joined = tuple(name for p in sorted(fanned) for name in steps_of[p])
                    name = self._barrier_name([names[p] for p in sorted(fanned)], taken)
                    barriers[fanned] = name
                    steps.append(self._barrier(name, joined))
                single = (name for p, those in after if p not in fanned for name in those)
                waits = (*single, barriers[fanned])
            made = self._made(groups[i], names[i], waits, apart=apart)
            steps += made
            steps_of.append(tuple(step.name for step in made))
        return steps

    def _waits(self, groups: Sequence[NodeNames]) -> list[set[int]]:
        """Return the groups that each group waits for, without those that others wait for."""
        home = {node: i for i, members in enumerate(groups) for node in members}
        waits: list[set[int]] = [set() for _ in groups]
        for node, above in self.pipeline.node_dependencies.items():
            own = home[node.name]
            waits[own] |= {home[parent.name] for parent in above} - {own}
        return reduced(waits)

    def _made(
        self, members: NodeNames, name: str, after: tuple[str, ...], *, apart: bool
    ) -> list[StepPlan]:
        """Return the steps of a group: one, or one for each shard."""
        settings = self._settings([self._nodes[m] for m in members], apart=apart)
        shards: list[ShardSpec | None] = [None]
        if apart:
            shards = [ShardSpec(index=k, count=self.shards) for k in range(1, self.shards + 1)]
        return [
            StepPlan(
                name=f"{name}-{shard.index}-of-{shard.count}" if shard else name,
                nodes=members,
                after=after,
                shard=shard,
                shard_parameter=self.settings.fan_out.parameter,
                settings=settings,
            )
            for shard in shards
        ]

    def _settings(self, nodes: Sequence[Node], *, apart: bool) -> StepSettings:
        """Merge the default, tags in the order of the file, and nodes in the order of the step."""
        given = self.settings.steps
        items = self.items
        if items is not None and apart:
            items = -(-items // self.shards)
        own = given.default.sized(items)
        for tag, more in given.tags.items():
            if any(tag in node.tags for node in nodes):
                own = own.overridden_by(more.sized(items))
        for node in nodes:
            if node.name in given.nodes:
                own = own.overridden_by(given.nodes[node.name].sized(items))
        return own

    def _barrier_name(self, above: Sequence[str], taken: set[str]) -> str:
        end = f"-all-of-{self.shards}"
        name = "--".join(above)[: MAX_NAME_LENGTH - len(end)] + end
        while name in taken:
            name += "-"
        taken.add(name)
        return name

    def _barrier(self, name: str, after: tuple[str, ...]) -> StepPlan:
        """Return a step without nodes, on a machine of the stack's own choice."""
        given = self.settings.steps.default
        machine = dict.fromkeys(Machine.model_fields)
        others: dict[str, Any] = {"sizes": [], "caching": None, "step_operator": None}
        plain = given.model_copy(update=machine | others)
        return StepPlan(name=name, nodes=(), after=after, settings=plain)
