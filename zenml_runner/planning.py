"""From a Kedro pipeline and `zenml.yml` to a plan; whatever cannot work is refused here."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.pipeline.transcoding import _strip_transcoding

from zenml_runner.errors import RunnerError, refuse_unknown
from zenml_runner.execution import Execution
from zenml_runner.groups import Members, Vertex, group
from zenml_runner.known import datasets_of
from zenml_runner.places import Place, place_of
from zenml_runner.plan import Plan, Shard, StepPlan
from zenml_runner.settings import Grouping, Settings, StepSettings

# ZenML allows more, Vertex does not.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_MARKS = re.compile(r"[\u0300-\u036f]")
LONGEST_NAME = 100

Key = tuple[str, str]
"""What a configured group is: step, tag, namespace or pipeline, and which."""


def make_plan(execution: Execution, *, remote: bool, shards: int | None = None) -> Plan:
    """Cut the pipeline of an execution into steps.

    Args:
        execution: A loaded one.
        remote: Whether each step is a container of its own, with a disk that is lost.
        shards: How many shards what fans out is cut into; what zenml.yml says if None.

    Returns:
        The plan.

    Raises:
        RunnerError: If the configuration names what does not exist, asks for a grouping that
            cannot run, or data cannot get from one step to the next.
    """
    settings, pipeline = execution.settings, execution.pipeline
    _refuse_unknown_names(settings, execution.registered)
    places = {
        name: place_of(execution.catalog, name)
        for name in pipeline.datasets()
        if not _is_parameter(name)
    }
    in_memory = _in_memory(pipeline, execution.catalog, places)
    fanned = _fanned_out(pipeline, settings, execution.registered)
    asked = _asked(pipeline, settings.grouping, execution.run.pipeline)
    groups = group(_vertices(pipeline), in_memory, asked)
    if remote:
        _refuse_local_files(pipeline, places, in_memory, settings.keep_in_container)
    count = shards if shards is not None else settings.fan_out.shards
    if count > 1:
        _refuse_mixed_groups(groups, fanned, in_memory, pipeline)
    if shards is not None and shards > 1 and not fanned:
        raise RunnerError(
            f"--shards {shards}: nothing in {execution.run.pipeline} fans out. Mark pipelines or "
            f"tags under fan_out in zenml.yml whose nodes take "
            f"params:{settings.fan_out.parameter}."
        )
    return Plan(
        run=execution.run, steps=tuple(_steps(pipeline, groups, asked, settings, fanned, count))
    )


def _steps(
    pipeline: Pipeline,
    groups: Sequence[Members],
    asked: dict[str, Key],
    settings: Settings,
    fanned: frozenset[str],
    count: int,
) -> Iterable[StepPlan]:
    """Steps of the groups, those that fan out once for each shard."""
    names = step_names(groups, asked)
    home = {node: i for i, members in enumerate(groups) for node in members}
    nodes = {node.name: node for node in pipeline.nodes}
    parents = {n.name: {p.name for p in above} for n, above in pipeline.node_dependencies.items()}
    made: dict[int, list[str]] = {}
    for i, members in enumerate(groups):
        above = sorted({home[p] for m in members for p in parents[m]} - {i})
        after = tuple(name for j in above for name in made[j])
        own = _settings_of([nodes[m] for m in members], settings)
        shards: list[Shard | None] = [None]
        if fanned & set(members) and count > 1:
            shards = [Shard(index=k, count=count) for k in range(1, count + 1)]
        made[i] = []
        for shard in shards:
            name = f"{names[i]}-{shard.index}-of-{shard.count}" if shard else names[i]
            made[i].append(name)
            yield StepPlan(
                name=name,
                nodes=members,
                after=after,
                shard=shard,
                shard_parameter=settings.fan_out.parameter,
                settings=own,
            )


def step_names(groups: Sequence[Members], asked: dict[str, Key]) -> list[str]:
    """A name for each group: of its node, of its configured group, or of all its nodes.

    Args:
        groups: Names of nodes.
        asked: Configured group by node.

    Returns:
        Unique names of letters, digits, dots, dashes and underscores.
    """
    names: list[str] = []
    taken: set[str] = set()
    for members in groups:
        keys = {asked[m] for m in members if m in asked}
        kind, given = next(iter(keys)) if len(keys) == 1 else ("", "")
        name = "--".join(members)
        if kind == "step" or (kind and len(members) > 1):
            name = given
        elif len(name) > LONGEST_NAME:
            name = f"{members[0]}-and-{len(members) - 1}-more"
        # Letters with marks become those without.
        name = unicodedata.normalize("NFKD", name)
        name = _NOT_IN_NAMES.sub("_", _MARKS.sub("", name)).strip("_")[:LONGEST_NAME] or "step"
        others = (f"{name}-{number}" for number in itertools.count(2))
        names.append(name if name not in taken else next(o for o in others if o not in taken))
        taken.add(names[-1])
    return names


def _vertices(pipeline: Pipeline) -> list[Vertex]:
    dependencies = pipeline.node_dependencies
    return [
        Vertex(
            node.name,
            frozenset(parent.name for parent in dependencies[node]),
            frozenset(_strip_transcoding(dataset) for dataset in node.inputs),
            frozenset(_strip_transcoding(dataset) for dataset in node.outputs),
        )
        for node in pipeline.nodes
    ]


def _asked(pipeline: Pipeline, grouping: Grouping, name: str) -> dict[str, Key]:
    """The configured group of each node that has one: named steps first, then tags, then `by`."""
    asked: dict[str, Key] = {}
    for node in pipeline.nodes:
        step = next((s for s, members in grouping.steps.items() if node.name in members), None)
        tag = next((tag for tag in grouping.tags if tag in node.tags), None)
        if step is not None:
            asked[node.name] = ("step", step)
        elif tag is not None:
            asked[node.name] = ("tag", tag)
        elif grouping.by == "pipeline":
            asked[node.name] = ("pipeline", name)
        elif grouping.by == "namespace" and node.namespace:
            asked[node.name] = ("namespace", node.namespace)
    return asked


def _in_memory(pipeline: Pipeline, catalog: Any, places: Mapping[str, Place]) -> frozenset[str]:
    """Datasets that exist only in the process whose nodes make them, without transcoding."""
    found = {name for name, place in places.items() if place.in_memory}
    # What the catalog itself holds is there in every process.
    held = found & pipeline.inputs()
    for name in sorted(held):
        if not catalog.exists(name):
            raise RunnerError(
                f"The pipeline reads {name!r}, which no node of it makes and the catalog does "
                f"not have: add it to the catalog, or include the node that makes it."
            )
    return frozenset(_strip_transcoding(name) for name in found - held)


def _is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


def _fanned_out(
    pipeline: Pipeline, settings: Settings, registered: Mapping[str, Pipeline]
) -> frozenset[str]:
    """Nodes that run once for each shard: marked, and taking the shard's parameter."""
    wanted = {f"params:{settings.fan_out.parameter}", "parameters"}
    takers = {n.name for n in pipeline.nodes if wanted & set(n.inputs)}
    marked: set[str] = set()
    for other in settings.fan_out.pipelines:
        members = {n.name for n in registered[other].nodes}
        _refuse_without_takers(other, registered[other].nodes, wanted, "pipeline")
        marked |= members
    for tag in settings.fan_out.tags:
        tagged = [n for n in pipeline.nodes if tag in n.tags]
        if tagged:
            _refuse_without_takers(tag, tagged, wanted, "tag")
        marked |= {n.name for n in tagged}
    return frozenset(takers & marked)


def _refuse_without_takers(name: str, nodes: Iterable[Node], wanted: set[str], kind: str) -> None:
    if not any(wanted & set(node.inputs) for node in nodes):
        raise RunnerError(
            f"fan_out in zenml.yml names the {kind} {name!r}, but none of its nodes "
            f"({', '.join(sorted(n.name for n in nodes))}) takes {max(wanted)}: each shard would "
            f"do all of the work."
        )


def _refuse_mixed_groups(
    groups: Sequence[Members], fanned: frozenset[str], in_memory: frozenset[str], pipeline: Pipeline
) -> None:
    """A node that does not know its shard must not write the same file in each of them."""
    nodes = {node.name: node for node in pipeline.nodes}
    for members in groups:
        alien = [m for m in members if m not in fanned]
        if len(alien) in (0, len(members)):
            continue
        for name in alien:
            kept = {_strip_transcoding(d) for d in nodes[name].outputs} - in_memory
            if kept:
                raise RunnerError(
                    f"The node {name} is in one step with {', '.join(fanned & set(members))}, "
                    f"which runs in shards, but does not take the shard's parameter: each shard "
                    f"would write {', '.join(sorted(kept))}. Change the grouping, or give what "
                    f"they hand on in memory an entry in the catalog."
                )


def _refuse_local_files(
    pipeline: Pipeline,
    places: Mapping[str, Place],
    in_memory: frozenset[str],
    kept: Iterable[str],
) -> None:
    """Files on a container's disk are gone with it."""
    written = {name for node in pipeline.nodes for name in node.outputs}
    for name in sorted(written - set(kept)):
        if _strip_transcoding(name) in in_memory or places[name].protocol != "file":
            continue
        writer = next(node.name for node in pipeline.nodes if name in node.outputs)
        readers = [node.name for node in pipeline.nodes if name in node.inputs]
        whom = f"{', '.join(readers)} could not read it" if readers else "it would be lost"
        raise RunnerError(
            f"{name} is a file on the disk of the container in which {writer} runs: {whom}. "
            "Point its catalog entry to a bucket in this environment, or name it under "
            "keep_in_container in zenml.yml."
        )


def _settings_of(nodes: Sequence[Node], settings: Settings) -> StepSettings:
    """Default, then tags in the order of the file, then nodes in the order of the step."""
    own = settings.steps.default
    for tag, more in settings.steps.tags.items():
        if any(tag in node.tags for node in nodes):
            own = own.overridden_by(more)
    for node in nodes:
        if node.name in settings.steps.nodes:
            own = own.overridden_by(settings.steps.nodes[node.name])
    return own


def _refuse_unknown_names(settings: Settings, registered: Mapping[str, Pipeline]) -> None:
    """Names in zenml.yml must be those of pipelines, nodes and tags of the project."""
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
    refuse_unknown("dataset", settings.keep_in_container, datasets_of(registered.values()))
