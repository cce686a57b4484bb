"""Turns a Kedro pipeline and `zenml.yml` into a plan, and refuses what cannot work."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.pipeline.transcoding import _strip_transcoding

from zenml_runner.errors import RunnerError, refuse_unknown
from zenml_runner.execution import Execution
from zenml_runner.groups import GraphNode, NodeNames, group
from zenml_runner.locations import Location, location_of
from zenml_runner.plan import Plan, ShardSpec, StepPlan, inputs_with
from zenml_runner.settings import Grouping, StepSettings, ZenmlSettings
from zenml_runner.shard_writes import refuse_overwrites, refuse_unknown_shared
from zenml_runner.validation import dataset_names, refuse_missing_inputs

# ZenML allows more, Vertex does not.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_MARKS = re.compile(r"[\u0300-\u036f]")
MAX_NAME_LENGTH = 100

GroupKey = tuple[str, str]
"""A configured group: its kind (step, tag, namespace or pipeline) and its name."""


def make_plan(execution: Execution, *, remote: bool, shards: int | None = None) -> Plan:
    """Cut the pipeline of an execution into steps.

    Args:
        execution: A loaded execution.
        remote: Whether each step runs in its own container, whose disk is lost.
        shards: Number of shards of nodes that fan out; as in zenml.yml if None.

    Raises:
        RunnerError: If the configuration has unknown names or a grouping that cannot run, or if
            data cannot get from one step to the next.
    """
    settings, pipeline = execution.settings, execution.pipeline
    _refuse_unknown_names(settings, execution.registered)
    locations = {
        name: location_of(execution.catalog, name)
        for name in pipeline.datasets()
        if not is_parameter(name)
    }
    if not execution.adds_datasets:
        refuse_missing_inputs(pipeline, execution.catalog)
    in_memory = _in_memory(pipeline, locations)
    fanned = _fanned_out(pipeline, settings, execution.registered)
    configured = _configured_groups(pipeline, settings.grouping, execution.run.pipeline)
    groups = group(_vertices(pipeline), in_memory, configured)
    if remote:
        _refuse_local_files(pipeline, locations, in_memory, settings.keep_in_container)
    count = shards if shards is not None else settings.fan_out.shards
    if count > 1:
        _refuse_mixed_groups(groups, fanned, in_memory, pipeline)
        shared = settings.fan_out.shared
        refuse_overwrites(pipeline, execution.catalog, fanned, in_memory, shared, remote=remote)
    if shards is not None and shards > 1 and not fanned:
        raise RunnerError(
            f"--shards {shards}: nothing in {execution.run.pipeline} fans out. Mark pipelines or "
            f"tags under fan_out in zenml.yml whose nodes take "
            f"params:{settings.fan_out.parameter}."
        )
    return Plan(
        run=execution.run,
        steps=tuple(_steps(pipeline, groups, configured, settings, fanned, count)),
    )


def _steps(
    pipeline: Pipeline,
    groups: Sequence[NodeNames],
    configured: dict[str, GroupKey],
    settings: ZenmlSettings,
    fanned: frozenset[str],
    count: int,
) -> Iterable[StepPlan]:
    """Yield a step for each group, or one for each shard of groups that fan out."""
    names = step_names(groups, configured)
    home = {node: i for i, members in enumerate(groups) for node in members}
    nodes = {node.name: node for node in pipeline.nodes}
    parents = {n.name: {p.name for p in above} for n, above in pipeline.node_dependencies.items()}
    names_of: dict[int, list[str]] = {}
    for i, members in enumerate(groups):
        above = sorted({home[p] for m in members for p in parents[m]} - {i})
        after = tuple(name for j in above for name in names_of[j])
        own = _settings_of([nodes[m] for m in members], settings)
        shards: list[ShardSpec | None] = [None]
        if fanned & set(members) and count > 1:
            shards = [ShardSpec(index=k, count=count) for k in range(1, count + 1)]
        names_of[i] = []
        for shard in shards:
            name = f"{names[i]}-{shard.index}-of-{shard.count}" if shard else names[i]
            names_of[i].append(name)
            yield StepPlan(
                name=name,
                nodes=members,
                after=after,
                shard=shard,
                shard_parameter=settings.fan_out.parameter,
                settings=own,
            )


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


def _vertices(pipeline: Pipeline) -> list[GraphNode]:
    dependencies = pipeline.node_dependencies
    return [
        GraphNode(
            node.name,
            frozenset(parent.name for parent in dependencies[node]),
            frozenset(_strip_transcoding(dataset) for dataset in node.inputs),
            frozenset(_strip_transcoding(dataset) for dataset in node.outputs),
        )
        for node in pipeline.nodes
    ]


def _configured_groups(pipeline: Pipeline, grouping: Grouping, name: str) -> dict[str, GroupKey]:
    """Return the configured group by node: named steps win over tags, tags over `by`."""
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


def _in_memory(pipeline: Pipeline, locations: Mapping[str, Location]) -> frozenset[str]:
    """Return datasets that exist only in the process that writes them, without transcoding."""
    found = {name for name, location in locations.items() if location.in_memory}
    # Data that the catalog's configuration holds, or a hook adds, exist in every process.
    held = found & pipeline.inputs()
    return frozenset(_strip_transcoding(name) for name in found - held)


def _fanned_out(
    pipeline: Pipeline, settings: ZenmlSettings, registered: Mapping[str, Pipeline]
) -> frozenset[str]:
    """Return the nodes that run once for each shard: marked nodes that take the parameter."""
    parameter = settings.fan_out.parameter
    marked = {f"pipeline {name!r}": registered[name].nodes for name in settings.fan_out.pipelines}
    for tag in settings.fan_out.tags:
        marked[f"tag {tag!r}"] = [node for node in pipeline.nodes if tag in node.tags]
    takers: set[str] = set()
    for kind, nodes in marked.items():
        found = {node.name for node in nodes if inputs_with(parameter) & set(node.inputs)}
        if nodes and not found:
            raise RunnerError(
                f"fan_out in zenml.yml names the {kind}, but none of its nodes "
                f"({', '.join(sorted(n.name for n in nodes))}) takes params:{parameter}: each "
                "shard would do all of the work."
            )
        takers |= found
    return frozenset(takers & {node.name for node in pipeline.nodes})


def _refuse_mixed_groups(
    groups: Sequence[NodeNames],
    fanned: frozenset[str],
    in_memory: frozenset[str],
    pipeline: Pipeline,
) -> None:
    """Refuse a node without the shard's parameter that would write one file in each shard."""
    nodes = {node.name: node for node in pipeline.nodes}
    for members in groups:
        others = [m for m in members if m not in fanned]
        if len(others) in (0, len(members)):
            continue
        for name in others:
            files = {_strip_transcoding(d) for d in nodes[name].outputs} - in_memory
            if files:
                raise RunnerError(
                    f"The node {name} is in one step with {', '.join(fanned & set(members))}, "
                    f"which runs in shards, but does not take the shard's parameter: each shard "
                    f"would write {', '.join(sorted(files))}. Change the grouping, or add catalog "
                    f"entries for the data that they pass in memory."
                )


def _refuse_local_files(
    pipeline: Pipeline,
    locations: Mapping[str, Location],
    in_memory: frozenset[str],
    allowed: Iterable[str],
) -> None:
    """Refuse files on the disk of a container, which are lost with it."""
    written = {name for node in pipeline.nodes for name in node.outputs}
    for name in sorted(written - set(allowed)):
        if _strip_transcoding(name) in in_memory or locations[name].protocol != "file":
            continue
        writer = next(node.name for node in pipeline.nodes if name in node.outputs)
        readers = [node.name for node in pipeline.nodes if name in node.inputs]
        effect = f"{', '.join(readers)} could not read it" if readers else "it would be lost"
        raise RunnerError(
            f"{name} is a file on the disk of the container in which {writer} runs: {effect}. "
            "Point its catalog entry to a bucket in this environment, or name it under "
            "keep_in_container in zenml.yml."
        )


def _settings_of(nodes: Sequence[Node], settings: ZenmlSettings) -> StepSettings:
    """Merge the default, tags in the order of the file, and nodes in the order of the step."""
    own = settings.steps.default
    for tag, more in settings.steps.tags.items():
        if any(tag in node.tags for node in nodes):
            own = own.overridden_by(more)
    for node in nodes:
        if node.name in settings.steps.nodes:
            own = own.overridden_by(settings.steps.nodes[node.name])
    return own


def _refuse_unknown_names(settings: ZenmlSettings, registered: Mapping[str, Pipeline]) -> None:
    """Refuse names in zenml.yml of pipelines, nodes, tags or datasets that do not exist."""
    every = [node for pipeline in registered.values() for node in pipeline.nodes]
    nodes, tags = {n.name for n in every}, {tag for n in every for tag in n.tags}
    grouped = [name for members in settings.grouping.steps.values() for name in members]
    refuse_unknown("node", [*settings.steps.nodes, *grouped], nodes)
    for node in grouped:
        if grouped.count(node) > 1:
            steps = [s for s, members in settings.grouping.steps.items() if node in members]
            raise RunnerError(
                f"grouping.steps in zenml.yml names the node {node} more than once "
                f"({', '.join(steps)}): it can be in one step only."
            )
    refuse_unknown(
        "tag", [*settings.steps.tags, *settings.grouping.tags, *settings.fan_out.tags], tags
    )
    named = [*settings.fan_out.pipelines, *settings.schedules, *settings.models]
    refuse_unknown("pipeline", named, registered)
    datasets = dataset_names(registered.values())
    refuse_unknown("dataset", settings.keep_in_container, datasets)
    refuse_unknown_shared(settings.fan_out.shared, datasets)
