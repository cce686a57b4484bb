"""Groups nodes into steps, on plain graphs: nothing here imports Kedro or ZenML.

A graph is a dictionary from a vertex to those it waits for.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from zenml_runner.errors import RunnerError

NodeNames = tuple[str, ...]
V = TypeVar("V")
Waits = Mapping[V, set[V]]
"""The vertices that each vertex waits for, in an order of its own."""


@dataclass(frozen=True)
class GraphNode:
    """A node of the pipeline, its parents and its datasets without transcoding."""

    name: str
    parents: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()


def group(
    vertices: Sequence[GraphNode],
    in_memory: Iterable[str],
    configured: Mapping[str, Hashable],
    automatic: Mapping[str, Hashable] | None = None,
) -> list[NodeNames]:
    """Cut a pipeline into groups of nodes that can run one after the other.

    Nodes that share a dataset in memory are one group. Groups that depend on each other become one
    group. Configured groups are joined after that, automatic ones last.

    Args:
        vertices: The nodes in an order in which they can run.
        in_memory: Datasets that exist only in the process that writes them.
        configured: The key of a node's configured group; nodes with one key become one group.
        automatic: The key of nodes that may share a group. Nodes with one key become one group, or
            several where others lie between.

    Returns:
        The groups in an order in which they can run, each with its nodes in their order.

    Raises:
        RunnerError: If configured groups depend on each other.
    """
    partition = _Partition(v.name for v in vertices)
    shared = set(in_memory)
    users: dict[str, list[str]] = {}
    for vertex in vertices:
        for name in (vertex.reads | vertex.writes) & shared:
            users.setdefault(name, []).append(vertex.name)
    for names in users.values():
        partition.join(names)
    while found := cycles(_edges(vertices, partition)):
        for cycle in found:
            partition.join(cycle)
    tied = partition.copy()
    keyed: dict[Hashable, list[str]] = {}
    for name, key in configured.items():
        keyed.setdefault(key, []).append(name)
    for names in keyed.values():
        partition.join(names)
    if found := cycles(_edges(vertices, partition)):
        raise RunnerError(_explain_cycle(vertices, partition, tied, found[0]))
    if automatic:
        _join_automatic(vertices, partition, automatic)
    members = partition.members()
    return [members[root] for root in ordered(_edges(vertices, partition))]


class _Partition:
    """Disjoint sets of names, each identified by its first name."""

    def __init__(self, names: Iterable[str]) -> None:
        self._above = {name: name for name in names}
        self._place = {name: i for i, name in enumerate(self._above)}

    def copy(self) -> _Partition:
        other = _Partition(self._above)
        other._above = dict(self._above)
        return other

    def root(self, name: str) -> str:
        while (above := self._above[name]) != name:
            self._above[name] = self._above[above]
            name = above
        return name

    def join(self, names: Iterable[str]) -> None:
        roots = {self.root(name) for name in names}
        first = min(roots, key=self._place.__getitem__, default="")
        for root in roots:
            self._above[root] = first

    def members(self) -> dict[str, NodeNames]:
        """Return the names of each set in their order, by its first name."""
        found: dict[str, list[str]] = {}
        for name in self._above:
            found.setdefault(self.root(name), []).append(name)
        return {root: tuple(names) for root, names in found.items()}


def _edges(vertices: Sequence[GraphNode], partition: _Partition) -> dict[str, set[str]]:
    """Return the groups that each group waits for."""
    edges: dict[str, set[str]] = {partition.root(vertex.name): set() for vertex in vertices}
    for vertex in vertices:
        own = partition.root(vertex.name)
        edges[own] |= {partition.root(parent) for parent in vertex.parents} - {own}
    return edges


def _join_automatic(
    vertices: Sequence[GraphNode], partition: _Partition, automatic: Mapping[str, Hashable]
) -> None:
    """Join groups with one key, each with the first that it may share without a cycle.

    The groups come in an order in which they can run, so a group has no followers yet when it is
    placed. It may join an earlier one unless it waits for something that waits for that one.
    """
    edges = _edges(vertices, partition)
    members = partition.members()
    place: dict[str, int] = {}
    joined: list[list[str]] = []
    above: list[int] = []
    places_of: dict[Hashable, list[int]] = {}
    for root in ordered(edges):
        direct = {place[parent] for parent in edges[root]}
        waits = 0
        for parent in direct:
            waits |= above[parent] | 1 << parent
        keys = {automatic.get(name) for name in members[root]}
        open_places = [] if None in keys else places_of.setdefault(_first(keys), [])
        valid = [i for i in open_places if not any(above[p] >> i & 1 for p in direct - {i})]
        # A group that waits for nothing more than its fellows delays nobody.
        at_once = [i for i in valid if not waits & ~(above[i] | 1 << i)]
        chosen = next(iter(at_once), valid[-1] if valid else len(joined))
        if chosen == len(joined):
            joined.append([])
            above.append(0)
            open_places.append(chosen)
        joined[chosen].append(root)
        place[root] = chosen
        _let_wait(above, chosen, waits & ~(1 << chosen))
    for roots in joined:
        partition.join(roots)


def _let_wait(above: list[int], chosen: int, waits: int) -> None:
    """Let a group, and all that wait for it, wait for more."""
    if waits & ~above[chosen]:
        above[chosen] |= waits
        for i, own in enumerate(above):
            if own >> chosen & 1:
                above[i] |= waits


def _first(keys: set[Hashable]) -> Hashable:
    """Return the key of a group whose nodes have several: the same one each time."""
    return min(keys, key=str)


def _explain_cycle(
    vertices: Sequence[GraphNode], partition: _Partition, tied: _Partition, cycle: set[str]
) -> str:
    """Name the configured group, the groups it depends on, and the datasets between them."""
    members = partition.members()
    inside = [set(members[root]) for root in cycle]
    joined = next(m for m in inside if len({tied.root(name) for name in m}) > 1)
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


def ordered(waits: Waits[V]) -> list[V]:
    """Return all vertices of a graph without cycles, each after those it waits for.

    Of the vertices that could come next, the first one of the mapping does.
    """
    vertices = list(waits)
    place = {vertex: i for i, vertex in enumerate(vertices)}
    followers = _reversed(waits)
    left = {vertex: len(waits[vertex]) for vertex in vertices}
    ready = [place[vertex] for vertex in vertices if not left[vertex]]
    result: list[V] = []
    while ready:
        vertex = vertices[heapq.heappop(ready)]
        result.append(vertex)
        for follower in followers[vertex]:
            left[follower] -= 1
            if not left[follower]:
                heapq.heappush(ready, place[follower])
    return result


def cycles(waits: Waits[V]) -> list[set[V]]:
    """Return the largest sets of two or more vertices that all wait for each other."""
    followers = _reversed(waits)
    finished: list[V] = []
    seen: set[V] = set()
    for vertex in waits:
        finished += _visited(vertex, waits, seen)
    found: list[set[V]] = []
    seen = set()
    for vertex in reversed(finished):
        component = set(_visited(vertex, followers, seen))
        if len(component) > 1:
            found.append(component)
    return found


def reduced(waits: Sequence[set[int]]) -> list[set[int]]:
    """Drop from each vertex those that another of its vertices waits for.

    Args:
        waits: By position, the positions that each waits for; all are smaller than its own.
    """
    above: list[int] = []
    result: list[set[int]] = []
    for direct in waits:
        kept: set[int] = set()
        known = 0
        # What a later vertex waits for stands before it.
        for vertex in sorted(direct, reverse=True):
            if not known >> vertex & 1:
                kept.add(vertex)
            known |= above[vertex] | 1 << vertex
        above.append(known)
        result.append(kept)
    return result


def _reversed(waits: Waits[V]) -> dict[V, set[V]]:
    followers: dict[V, set[V]] = {vertex: set() for vertex in waits}
    for vertex, others in waits.items():
        for other in others:
            followers[other].add(vertex)
    return followers


def _visited(start: V, edges: Mapping[V, set[V]], seen: set[V]) -> list[V]:
    """Return the vertices that a walk from `start` finds anew, in the order it leaves them."""
    if start in seen:
        return []
    seen.add(start)
    left: list[V] = []
    path: list[tuple[V, Iterator[V]]] = [(start, iter(edges[start]))]
    while path:
        vertex, others = path[-1]
        following = next((other for other in others if other not in seen), None)
        if following is None:
            left.append(vertex)
            path.pop()
        else:
            seen.add(following)
            path.append((following, iter(edges[following])))
    return left
