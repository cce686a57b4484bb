"""Order, cycles and needless ties of small graphs."""

from hypothesis import given
from hypothesis import strategies as st

from zenml_runner.planning.groups import cycles, ordered, reduced


@st.composite
def acyclic(draw: st.DrawFn) -> list[set[int]]:
    """For each of up to twelve vertices, those before it that it waits for."""
    count = draw(st.integers(1, 12))
    return [draw(st.sets(st.integers(0, i - 1))) if i else set() for i in range(count)]


def above(waits: list[set[int]], vertex: int) -> set[int]:
    return set().union(waits[vertex], *(above(waits, other) for other in waits[vertex]))


def test_the_first_vertex_that_is_ready_comes_next():
    assert ordered({"c": {"b"}, "b": set(), "a": set()}) == ["b", "c", "a"]


def test_vertices_that_wait_for_each_other_are_a_cycle():
    waits = {"a": {"c"}, "b": {"a"}, "c": {"b"}, "d": {"c", "e"}, "e": {"d"}, "f": {"e"}}
    assert sorted(map(sorted, cycles(waits))) == [["a", "b", "c"], ["d", "e"]]


@given(acyclic())
def test_a_graph_without_cycles_has_none_and_an_order(waits):
    graph = dict(enumerate(waits))
    assert cycles(graph) == []
    order = ordered(graph)
    assert sorted(order) == list(graph)
    for vertex, others in graph.items():
        assert all(order.index(other) < order.index(vertex) for other in others)


@given(acyclic())
def test_without_needless_ties_each_vertex_still_waits_for_the_same_ones(waits):
    few = reduced(waits)
    for vertex, direct in enumerate(few):
        assert above(few, vertex) == above(waits, vertex)
        for other in direct:
            rest = direct - {other}
            assert other not in set().union(*(above(few, r) for r in rest))


def test_a_long_chain_is_ordered_without_recursion():
    chain = {i: {i - 1} if i else set() for i in range(20_000)}
    assert ordered(chain) == list(chain)
    assert cycles(chain) == []
