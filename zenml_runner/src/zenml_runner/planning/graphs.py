"""Small algorithms on directed graphs, as dictionaries from a vertex to those it waits for."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

V = TypeVar("V")

Waits = Mapping[V, set[V]]
"""The vertices that each vertex waits for, in an order of its own."""


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
