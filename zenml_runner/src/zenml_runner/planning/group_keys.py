"""The groups of nodes that `zenml.yml` asks for, and their names."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Mapping, Sequence

from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from zenml_runner.kedro_project.private import without_transcoding
from zenml_runner.planning.groups import GraphNode, NodeNames
from zenml_runner.settings.zenml_yml import Grouping

# ZenML allows more, Vertex does not.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_MARKS = re.compile(r"[\u0300-\u036f]")
MAX_NAME_LENGTH = 100

HEAVY, LIGHT = "heavy", "light"
"""Tags of nodes: with a step of their own, and never in shards."""

GroupKey = tuple[str, str]
"""A group: its kind (step, tag, namespace, pipeline or registered) and its name."""


def vertices(pipeline: Pipeline) -> list[GraphNode]:
    """Return the nodes of a pipeline as a plain graph."""
    dependencies = pipeline.node_dependencies
    return [
        GraphNode(
            node.name,
            frozenset(parent.name for parent in dependencies[node]),
            frozenset(without_transcoding(dataset) for dataset in node.inputs),
            frozenset(without_transcoding(dataset) for dataset in node.outputs),
        )
        for node in pipeline.nodes
    ]


def configured_groups(pipeline: Pipeline, grouping: Grouping, name: str) -> dict[str, GroupKey]:
    """Return the configured group by node: named steps win over tags, tags over `by`.

    Args:
        pipeline: The nodes of the run.
        grouping: As zenml.yml has it.
        name: Registered name of the run's pipeline.
    """
    configured: dict[str, GroupKey] = {}
    for node in pipeline.nodes:
        step = next((s for s, members in grouping.steps.items() if node.name in members), None)
        tag = next((tag for tag in grouping.tags if tag in node.tags), None)
        if step is not None:
            configured[node.name] = ("step", step)
        elif tag is not None:
            configured[node.name] = ("tag", tag)
        elif grouping.by == "pipeline":
            configured[node.name] = ("pipeline", name)
        elif grouping.by == "namespace" and node.namespace:
            configured[node.name] = ("namespace", node.namespace)
    return configured


def automatic_groups(
    pipeline: Pipeline,
    grouping: Grouping,
    registered: Mapping[str, Pipeline],
    configured: Mapping[str, GroupKey],
    fanned: frozenset[str],
    shards: int,
) -> dict[str, GroupKey]:
    """Return the group of each node that may share a step with others of its pipeline.

    Args:
        pipeline: The nodes of the run.
        grouping: As zenml.yml has it.
        registered: All pipelines of the project.
        configured: The groups of nodes that zenml.yml names one by one.
        fanned: Nodes that run in shards where there are several.
        shards: Number of shards. With one there is little to do, so these nodes share a step too.
    """
    if grouping.by != "registered_pipeline":
        return {}
    apart = fanned if shards > 1 else frozenset()
    homes = _homes(grouping, registered)
    return {
        node.name: ("registered", homes[node.name])
        for node in pipeline.nodes
        if node.name not in configured
        and node.name not in apart
        and (HEAVY not in node.tags or node.name in fanned)
    }


def _homes(grouping: Grouping, registered: Mapping[str, Pipeline]) -> dict[str, str]:
    """Return the step of each node by the smallest pipeline that has it.

    Pipelines that zenml.yml names come first, and `__default__`, the sum of others, last.
    """
    steps = {name: step for step, names in grouping.pipelines.items() for name in names}

    def rank(name: str) -> tuple[bool, bool, int]:
        return name not in steps, name == "__default__", len(registered[name].nodes)

    homes: dict[str, str] = {}
    for name in sorted(registered, key=rank):
        for node in registered[name].nodes:
            homes.setdefault(node.name, steps.get(name, name))
    return homes


def is_light(node: Node, grouping: Grouping) -> bool:
    """Return whether a node runs once although it takes the shard's parameter."""
    return grouping.by == "registered_pipeline" and LIGHT in node.tags


def step_names(groups: Sequence[NodeNames], configured: dict[str, GroupKey]) -> list[str]:
    """Name each group after its node, its configured group, or all its nodes.

    Args:
        groups: Names of nodes.
        configured: Configured group by node.

    Returns:
        Unique names of letters, digits, dots, dashes and underscores.
    """
    names: list[str] = []
    taken: set[str] = set()
    for members in groups:
        keys = {configured[m] for m in members if m in configured}
        kind, given = next(iter(keys)) if len(keys) == 1 else ("", "")
        name = "--".join(members)
        if kind == "step" or (kind and len(members) > 1):
            name = given
        elif len(name) > MAX_NAME_LENGTH:
            name = f"{members[0]}-and-{len(members) - 1}-more"
        # Letters lose their diacritics.
        name = unicodedata.normalize("NFKD", name)
        name = _NOT_IN_NAMES.sub("_", _MARKS.sub("", name)).strip("_")[:MAX_NAME_LENGTH] or "step"
        others = (f"{name}-{number}" for number in itertools.count(2))
        names.append(name if name not in taken else next(o for o in others if o not in taken))
        taken.add(names[-1])
    return names
