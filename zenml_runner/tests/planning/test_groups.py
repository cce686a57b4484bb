"""Which nodes become one step."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenml_runner.errors import RunnerError
from zenml_runner.planning.groups import GraphNode, group


def vertex(name: str, parents: str = "", reads: str = "", writes: str = "") -> GraphNode:
    return GraphNode(
        name,
        *(frozenset(names.split()) for names in (parents, reads, writes)),
    )


DIAMOND = [
    vertex("a", writes="x y"),
    vertex("b", "a", "x", "p"),
    vertex("c", "a", "y", "q"),
    vertex("d", "b c", "p q", "z"),
]


def test_nodes_stay_apart_where_all_data_have_a_place():
    assert group(DIAMOND, [], {}) == [("a",), ("b",), ("c",), ("d",)]


def test_nodes_that_hand_on_data_in_memory_are_one_step():
    assert group(DIAMOND, ["p"], {}) == [("a",), ("c",), ("b", "d")]


def test_several_readers_of_data_in_memory_are_one_step():
    readers = [vertex("a", writes="m"), vertex("b", "a", "m"), vertex("c", "a", "m")]
    assert group(readers, ["m"], {}) == [("a", "b", "c")]


def test_nodes_between_tied_ones_join_them():
    chain = [vertex("a", writes="m f"), vertex("b", "a", "f", "g"), vertex("c", "a b", "m g")]
    assert group(chain, ["m"], {}) == [("a", "b", "c")]


def test_groups_that_wait_for_each_other_become_one():
    crossed = [
        vertex("a", writes="m f"),
        vertex("b", writes="n g"),
        vertex("c", "a b", "m g"),
        vertex("d", "b a", "n f"),
    ]
    assert group(crossed, ["m", "n"], {}) == [("a", "b", "c", "d")]


def test_what_is_asked_for_comes_on_top():
    assert group(DIAMOND, [], {"b": "side", "c": "side"}) == [("a",), ("b", "c"), ("d",)]


def test_a_group_that_makes_a_cycle_is_refused_with_nodes_and_datasets():
    with pytest.raises(RunnerError) as refused:
        group(DIAMOND, [], {"a": "ends", "d": "ends"})
    message = str(refused.value)
    assert "grouping of a, d" in message
    assert "b, c must run after part of it (because of x, y)" in message
    assert "before the rest (because of p, q)" in message


KEYS = {"a": "p", "b": "p", "c": "p", "d": "p"}


def test_nodes_of_one_key_share_a_group():
    assert group(DIAMOND, [], {}, KEYS) == [("a", "b", "c", "d")]


def test_a_group_is_split_where_another_node_lies_between():
    others = {name: key for name, key in KEYS.items() if name != "b"}
    assert group(DIAMOND, [], {}, others) == [("a", "c"), ("b",), ("d",)]


def test_two_keys_that_would_wait_for_each_other_are_split_once():
    crossed = [vertex("a1"), vertex("b2"), vertex("b1", "a1"), vertex("a2", "b2")]
    keys = {name: name[0] for name in ("a1", "a2", "b1", "b2")}
    assert len(group(crossed, [], {}, keys)) == 3


def test_nodes_tied_to_one_without_a_key_stay_with_it():
    keys = {"a": "p", "c": "p", "d": "p"}
    assert group(DIAMOND, ["p"], {}, keys) == [("a", "c"), ("b", "d")]


def test_a_group_joins_its_fellows_where_nobody_waits_longer_for_it():
    # The second light node could also wait for the heavy one, with the third.
    graph = [vertex("l1"), vertex("heavy", "l1"), vertex("l3", "heavy"), vertex("l2", "l1")]
    keys = dict.fromkeys(("l1", "l2", "l3"), "p")
    assert group(graph, [], {}, keys) == [("l1", "l2"), ("heavy",), ("l3",)]


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[list[GraphNode], list[str]]:
    """Up to nine nodes, each reading what some of the nodes before it have written."""
    vertices: list[GraphNode] = []
    for i in range(draw(st.integers(1, 9))):
        parents = draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set()
        vertices.append(
            GraphNode(
                f"n{i}",
                frozenset(f"n{p}" for p in parents),
                frozenset(f"d{p}" for p in parents),
                frozenset({f"d{i}"}),
            )
        )
    return vertices, draw(st.lists(st.sampled_from([f"d{i}" for i in range(len(vertices))])))


@given(pipelines())
def test_groups_can_run_one_after_the_other_and_keep_ties_together(drawn):
    vertices, in_memory = drawn
    groups = group(vertices, in_memory, {})
    home = {name: i for i, members in enumerate(groups) for name in members}
    assert sorted(home) == sorted(v.name for v in vertices)
    for v in vertices:
        assert all(home[parent] <= home[v.name] for parent in v.parents)
    for members in groups:
        numbers = [int(name[1:]) for name in members]
        assert all(a < b for a, b in pairwise(numbers))
    for name in in_memory:
        users = {home[v.name] for v in vertices if name in v.reads | v.writes}
        assert len(users) == 1


@given(pipelines())
def test_without_data_in_memory_no_nodes_are_joined(drawn):
    assert len(group(drawn[0], [], {})) == len(drawn[0])


@given(pipelines(), st.lists(st.sampled_from(["p", "q", None]), min_size=9, max_size=9))
def test_automatic_groups_can_always_run_and_hold_one_key_each(drawn, drawn_keys):
    vertices, _ = drawn
    keys = {v.name: key for v, key in zip(vertices, drawn_keys, strict=False) if key}
    groups = group(vertices, [], {}, keys)
    home = {name: i for i, members in enumerate(groups) for name in members}
    assert sorted(home) == sorted(v.name for v in vertices)
    for v in vertices:
        assert all(home[parent] <= home[v.name] for parent in v.parents)
    for members in groups:
        assert len({keys.get(name) for name in members}) == 1
        assert len(members) == 1 or members[0] in keys


def test_two_thousand_nodes_are_grouped_in_layers():
    wide = [
        vertex(f"n{i}", f"n{i - 1}" if i else "", f"d{i - 1}" if i else "", f"d{i}")
        for i in range(2000)
    ]
    in_memory = [f"d{i}" for i in range(2000) if i % 4 and i % 500 != 499]
    keys = {v.name: i // 500 for i, v in enumerate(wide)}
    assert [len(members) for members in group(wide, in_memory, {}, keys)] == [500] * 4
