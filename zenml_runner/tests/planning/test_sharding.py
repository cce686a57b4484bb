"""Few containers where there is little to do, and few ties where there is much."""

import pytest
from kedro.pipeline import Pipeline, node

from runner_testing.plans import edges, one, plan
from zenml_runner.errors import RunnerError
from zenml_runner.plan import Counted, Plan
from zenml_runner.settings.steps import Retry

FIRST = Pipeline([node(one, "raw", "clean", name="clean"), node(one, "clean", "x", name="index")])
FIT = Pipeline(
    [
        node(one, "x", "options", name="choose", tags="light"),
        node(one, ["options", "params:shard"], "parts", name="fit", tags="heavy"),
        node(one, ["parts", "params:shard"], "checks", name="check", tags="heavy"),
        node(one, "checks", "report", name="report"),
    ]
)
LAST = Pipeline([node(one, ["report", "clean"], "page", name="draw")])
REGISTERED = {"__default__": FIRST + FIT + LAST, "first": FIRST, "fit": FIT, "last": LAST}
FILES = {
    name: {"type": "text.TextDataset", "filepath": f"memory://books/{name}.txt"}
    for name in ("raw", "clean", "x", "options", "report", "page")
} | {
    name: {
        "type": "partitions.PartitionedDataset",
        "path": f"memory://books/{name}",
        "dataset": "text.TextDataset",
    }
    for name in ("parts", "checks", "others")
}
SETTINGS = {
    "grouping": {"by": "registered_pipeline"},
    "fan_out": {"tags": {"heavy": "shards"}},
}


def grouped(shards=1, nodes: Pipeline = REGISTERED["__default__"], **more) -> Plan:
    parameters = more.pop("parameters", {})
    files = FILES | more.pop("files", {})
    registered = REGISTERED | {"__default__": nodes}
    return plan(
        SETTINGS | more, files, nodes, shards=shards, registered=registered, parameters=parameters
    )


def test_in_one_shard_each_registered_pipeline_is_one_container():
    assert edges(grouped()) == {"first": (), "fit": ("first",), "draw": ("fit",)}
    assert grouped().steps[1].nodes == ("choose", "fit", "check", "report")


def test_heavy_nodes_fan_out_and_split_what_is_light():
    assert edges(grouped(2)) == {
        "first": (),
        "choose": ("first",),
        "fit-1-of-2": ("choose",),
        "fit-2-of-2": ("choose",),
        "check-1-of-2": ("fit-1-of-2", "fit-2-of-2"),
        "check-2-of-2": ("fit-1-of-2", "fit-2-of-2"),
        "report": ("check-1-of-2", "check-2-of-2"),
        "draw": ("report",),
    }


def test_a_barrier_joins_many_shards_before_the_next_ones():
    made = grouped(16)
    fits = tuple(f"fit-{k}-of-16" for k in range(1, 17))
    found = edges(made)
    assert found["fit-all-of-16"] == fits
    assert {found[f"check-{k}-of-16"] for k in range(1, 17)} == {("fit-all-of-16",)}
    assert sum(map(len, found.values())) == 1 + 16 + 16 + 16 + 16 + 1
    barrier = next(step for step in made.steps if step.name == "fit-all-of-16")
    assert (barrier.nodes, barrier.shard) == ((), None)


def test_two_fans_that_wait_for_the_same_shards_share_a_barrier():
    more = Pipeline([node(one, ["parts", "params:shard"], "others", name="other", tags="heavy")])
    made = grouped(3, REGISTERED["__default__"] + more)
    assert [step.name for step in made.steps if not step.nodes] == ["fit-all-of-3"]


def test_a_heavy_node_without_shards_has_a_container_of_its_own():
    heavy = Pipeline([node(one, "clean", "others", name="embed", tags="heavy")])
    nodes = REGISTERED["__default__"] + heavy
    made = plan(SETTINGS, FILES, nodes, shards=1, registered=REGISTERED | {"__default__": nodes})
    assert edges(made)["embed"] == ("first",)


def test_a_light_node_that_takes_the_parameter_runs_once():
    light = Pipeline(
        [node(one, ["report", "params:shard"], "others", name="sum", tags=["light", "heavy"])]
    )
    nodes = REGISTERED["__default__"] + light
    made = grouped(2, nodes)
    assert [s.name for s in made.steps if "sum" in s.nodes] == ["sum"]


def test_registered_pipelines_may_share_a_step():
    grouping = {"by": "registered_pipeline", "pipelines": {"work": ["first", "fit"]}}
    assert edges(grouped(grouping=grouping)) == {"work": (), "draw": ("work",)}
    with pytest.raises(RunnerError, match="no pipeline 'fits': did you mean 'fit'"):
        grouped(grouping=grouping | {"pipelines": {"work": ["first", "fits"]}})


def test_a_step_waits_for_those_alone_that_the_others_do_not_wait_for():
    # draw reads what the first pipeline has written too.
    assert edges(grouped())["draw"] == ("fit",)


ITEMS = {"count": ["params:titles", "x"], "per_shard": 10, "max_shards": 4}


@pytest.mark.parametrize(
    ("titles", "shards"),
    [(1, 1), (10, 1), (11, 2), (1000, 4), ([1] * 25, 3), (["a"], 1), (0, 1)],
)
def test_auto_shards_follow_the_number_or_length_of_a_parameter(titles, shards):
    made = grouped("auto", items=ITEMS, parameters={"titles": titles})
    assert made.shards == shards
    assert made.counted is not None
    assert made.counted.source == "params:titles"


def test_what_cannot_be_counted_leaves_the_next_source():
    held = {"x": {"type": "MemoryDataset", "data": ["a"] * 21}}
    nodes = FIT + LAST
    files = {name: entry for name, entry in FILES.items() if name != "x"} | held
    made = plan(
        SETTINGS | {"items": ITEMS},
        files,
        nodes,
        shards="auto",
        registered=REGISTERED,
        parameters={"titles": "all"},
    )
    assert (made.shards, made.counted) == (3, Counted(items=21, source="x"))


def test_partitions_are_counted(tmp_path):
    for i in range(12):
        (tmp_path / f"{i}.txt").write_text("a")
    parts = {
        "type": "partitions.PartitionedDataset",
        "path": str(tmp_path),
        "dataset": "text.TextDataset",
    }
    made = grouped("auto", items=ITEMS | {"count": "raw"}, files={"raw": parts})
    assert (made.shards, made.counted) == (2, Counted(items=12, source="raw"))


@pytest.mark.parametrize("number", [35, "35"])
def test_the_number_itself_may_stand_in_the_file(number):
    assert grouped("auto", items=ITEMS | {"count": [None, number, "x"]}).shards == 4


def test_auto_is_refused_where_nothing_can_be_counted():
    with pytest.raises(RunnerError, match=r"nothing to count yet .*\(params:titles, x\)"):
        grouped("auto", items=ITEMS, parameters={"titles": "all"})
    with pytest.raises(RunnerError, match="needs per_shard"):
        grouped("auto", items={"count": [5]})
    with pytest.raises(RunnerError, match="no parameter 'params:title': did you mean"):
        grouped("auto", items=ITEMS | {"count": "params:title"}, parameters={"titles": 3})
    with pytest.raises(RunnerError, match="no dataset 'cleen': did you mean 'clean'"):
        grouped("auto", items=ITEMS | {"count": "cleen"})


def test_the_machine_follows_the_items_of_a_shard():
    steps = {
        "default": {"memory": "1GB", "retry": {"max_retries": 2}},
        "tags": {
            "heavy": {"sizes": [{"up_to": 15, "cpu": 2}, {"up_to": 50, "cpu": 8}, {"cpu": 16}]}
        },
        "nodes": {"check": {"cpu": 1}},
    }
    items = {"count": [45], "per_shard": 100}

    def cpu(shards, **more):
        made = grouped(shards, steps=steps, items=items | more)
        return {step.name: step.settings.cpu for step in made.steps}

    assert cpu("auto") == {"first": None, "fit": 1, "draw": None}
    assert cpu(3)["fit-1-of-3"] == 2
    assert cpu(2)["fit-1-of-2"] == 8
    # The number is unknown.
    assert cpu(2, count=[])["fit-2-of-2"] == 16
    # A node's own number wins over the sizes of its tag.
    assert cpu(3)["check-1-of-3"] == 1


def test_a_barrier_has_the_retries_and_no_machine():
    steps = {"default": {"cpu": 4, "retry": {"max_retries": 2}, "environment": {"A": "1"}}}
    made = grouped(3, steps=steps)
    barrier = next(step.settings for step in made.steps if not step.nodes)
    assert (barrier.cpu, barrier.retry, barrier.environment) == (
        None,
        Retry(max_retries=2),
        {"A": "1"},
    )
