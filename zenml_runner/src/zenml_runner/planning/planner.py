"""Turns a Kedro pipeline and `zenml.yml` into a plan, and refuses what cannot work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline

from zenml_runner.errors import RunnerError, refuse_unknown
from zenml_runner.kedro_project.catalog import Location, location_of
from zenml_runner.kedro_project.execution import Execution
from zenml_runner.kedro_project.parameters import inputs_with
from zenml_runner.kedro_project.pipelines import (
    dataset_names,
    refuse_generators,
    refuse_missing_inputs,
)
from zenml_runner.kedro_project.private import without_transcoding
from zenml_runner.kedro_project.shard_writes import refuse_overwrites, refuse_unknown_shared
from zenml_runner.plan import Plan
from zenml_runner.planning.group_keys import (
    automatic_groups,
    configured_groups,
    is_light,
    step_names,
    vertices,
)
from zenml_runner.planning.groups import NodeNames, group
from zenml_runner.planning.items import count_items, shards_of
from zenml_runner.planning.sharding import StepBuilder
from zenml_runner.settings.sections import Shards
from zenml_runner.settings.zenml_yml import ZenmlSettings


def make_plan(execution: Execution, *, remote: bool, shards: Shards | None = None) -> Plan:
    """Cut the pipeline of an execution into steps.

    Args:
        execution: A loaded execution.
        remote: Whether each step runs in its own container, whose disk is lost.
        shards: Number of shards of nodes that fan out, or "auto"; as in zenml.yml if None.

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
    if execution.run.is_async:
        refuse_generators(pipeline)
    if not execution.hooks.add_datasets:
        refuse_missing_inputs(pipeline, execution.catalog)
    in_memory = _in_memory(pipeline, locations)
    fanned = _fanned_out(pipeline, settings, execution.registered)
    requested = shards if shards is not None else settings.fan_out.shards
    if requested == "auto" and not fanned:
        requested = 1
    counted = count_items(execution, requested)
    count = shards_of(requested, settings.items, counted)
    configured = configured_groups(pipeline, settings.grouping, execution.run.pipeline)
    automatic = automatic_groups(
        pipeline, settings.grouping, execution.registered, configured, fanned, count
    )
    groups = group(vertices(pipeline), in_memory, configured, automatic)
    if remote:
        _refuse_local_files(pipeline, locations, in_memory, settings.keep_in_container)
    if count > 1:
        _refuse_mixed_groups(groups, fanned, in_memory, pipeline)
        shared = settings.fan_out.shared
        refuse_overwrites(pipeline, execution.catalog, fanned, in_memory, shared, remote=remote)
    # What fans out may have been left out, as its outputs exist.
    if shards is not None and count > 1 and not fanned and not execution.run.only_missing_outputs:
        raise RunnerError(
            f"--shards {shards}: nothing in {execution.run.pipeline} fans out. Mark pipelines or "
            f"tags under fan_out in zenml.yml whose nodes take "
            f"params:{settings.fan_out.parameter}."
        )
    builder = StepBuilder(pipeline, settings, fanned, count, counted.items if counted else None)
    steps = builder.steps(groups, step_names(groups, configured | automatic))
    return Plan(run=execution.run, steps=tuple(steps), counted=counted)


def _in_memory(pipeline: Pipeline, locations: Mapping[str, Location]) -> frozenset[str]:
    """Return datasets that exist only in the process that writes them, without transcoding."""
    found = {name for name, location in locations.items() if location.in_memory}
    # Data that the catalog's configuration holds, or a hook adds, exist in every process.
    held = found & pipeline.inputs()
    return frozenset(without_transcoding(name) for name in found - held)


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
    return frozenset(
        node.name
        for node in pipeline.nodes
        if node.name in takers and not is_light(node, settings.grouping)
    )


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
            files = {without_transcoding(d) for d in nodes[name].outputs} - in_memory
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
        if without_transcoding(name) in in_memory or locations[name].protocol != "file":
            continue
        writer = next(node.name for node in pipeline.nodes if name in node.outputs)
        readers = [node.name for node in pipeline.nodes if name in node.inputs]
        effect = f"{', '.join(readers)} could not read it" if readers else "it would be lost"
        raise RunnerError(
            f"{name} is a file on the disk of the container in which {writer} runs: {effect}. "
            "Point its catalog entry to a bucket in this environment, or name it under "
            "keep_in_container in zenml.yml."
        )


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
    joined = [name for names in settings.grouping.pipelines.values() for name in names]
    named = [*settings.fan_out.pipelines, *settings.schedules, *settings.models, *joined]
    refuse_unknown("pipeline", named, registered)
    datasets = dataset_names(registered.values())
    refuse_unknown("dataset", settings.keep_in_container, datasets)
    refuse_unknown_shared(settings.fan_out.shared, datasets)
