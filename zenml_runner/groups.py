"""Groups nodes into steps, on plain graphs: nothing here imports Kedro or ZenML."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from zenml_runner.errors import RunnerError


@dataclass(frozen=True)
class GraphNode:
    """A node of the pipeline, its parents and its datasets without transcoding."""

    name: str
    parents: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()


NodeNames = tuple[str, ...]


def group(
    vertices: Sequence[GraphNode],
    in_memory: Iterable[str],
    configured: Mapping[str, Hashable],
) -> list[NodeNames]:
    """Cut a pipeline into groups of nodes that can run one after the other.

    Nodes that share a dataset in memory are one group. Groups that depend on each other become one
    group. Configured groups are joined last.

    Args:
        vertices: The nodes in an order in which they can run.
        in_memory: Datasets that exist only in the process that writes them.
        configured: The key of a node's configured group; nodes with one key become one group.

    Returns:
        The groups in an order in which they can run, each with its nodes in their order.

    Raises:
        RunnerError: If configured groups depend on each other.
    """
    partition = _Partition(v.name for v in vertices)
    for name in sorted(set(in_memory)):
        partition.join(v.name for v in vertices if name in v.reads | v.writes)
    while cycles := _cycles(vertices, partition):
        for cycle in cycles:
            partition.join(cycle)
    tied = dict(partition.of)
    for key in dict.fromkeys(configured.values()):
        partition.join(v.name for v in vertices if configured.get(v.name) == key)
    if cycles := _cycles(vertices, partition):
        raise RunnerError(_explain_cycle(vertices, partition, tied, cycles[0]))
    return _ordered(vertices, partition)


class _Partition:
    """Disjoint sets of names, each identified by its first name."""

    def __init__(self, names: Iterable[str]) -> None:
        self.of = {name: name for name in names}

    def join(self, names: Iterable[str]) -> None:
        roots = {self.of[name] for name in names}
        if len(roots) > 1:
            first = next(name for name in self.of if name in roots)
            self.of = {name: first if root in roots else root for name, root in self.of.items()}

    def members(self, root: str) -> NodeNames:
        return tuple(name for name, own in self.of.items() if own == root)


def _edges(vertices: Sequence[GraphNode], partition: _Partition) -> dict[str, set[str]]:
    """Return the groups that each group waits for."""
    edges: dict[str, set[str]] = {root: set() for root in partition.of.values()}
    for vertex in vertices:
        own = partition.of[vertex.name]
        edges[own] |= {partition.of[parent] for parent in vertex.parents} - {own}
    return edges


def _cycles(vertices: Sequence[GraphNode], partition: _Partition) -> list[set[str]]:
    """Return sets of groups that wait for each other."""
    edges = _edges(vertices, partition)
    reached = {root: _reachable(root, edges) for root in edges}
    found: dict[str, set[str]] = {}
    for root in edges:
        cycle = {other for other in reached[root] if root in reached[other]}
        if cycle and root not in found:
            found |= dict.fromkeys(cycle, cycle)
    return [cycle for root, cycle in found.items() if root == min(cycle)]


def _reachable(root: str, edges: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(edges[root])
    while waiting:
        other = waiting.pop()
        if other not in seen:
            seen.add(other)
            waiting.extend(edges[other])
    return seen


def _ordered(vertices: Sequence[GraphNode], partition: _Partition) -> list[NodeNames]:
    edges = _edges(vertices, partition)
    ordered: list[str] = []
    # The first group that is ready comes next, so the order stays near that of the nodes.
    while len(ordered) < len(edges):
        ordered.append(next(r for r in edges if r not in ordered and edges[r] <= set(ordered)))
    return [partition.members(root) for root in ordered]


def _explain_cycle(
    vertices: Sequence[GraphNode], partition: _Partition, tied: dict[str, str], cycle: set[str]
) -> str:
    """Name the configured group, the groups it depends on, and the datasets between them."""
    inside = [set(partition.members(root)) for root in cycle]
    joined = next(m for m in inside if len({tied[name] for name in m}) > 1)
    others = set().union(*inside) - joined

    def between(writers: set[str], readers: set[str]) -> str:
        written = {name for v in vertices if v.name in writers for name in v.writes}
        read = {name for v in vertices if v.name in readers for name in v.reads}
        return _listed(written & read)

    return (
        f"The grouping of {_listed(joined)} in zenml.yml makes a cycle: {_listed(others)} must run "
        f"after part of it (because of {between(joined, others)}) and before the rest (because "
        f"of {between(others, joined)}). Add {_listed(others)} to the group, or take nodes out of "
        "it."
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "no dataset"
