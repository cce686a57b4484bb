"""From a Kedro pipeline and zenml.yml to steps."""

import pytest
from kedro.pipeline import Pipeline, node, pipeline
from kedro_datasets.partitions import PartitionedDataset
from kedro_datasets.text import TextDataset

from runner_testing.plans import BUCKET, FILES, PIPELINE, edges, one, plan
from zenml_runner.errors import RunnerError


def test_steps_are_nodes_and_wait_for_what_nodes_wait_for():
    assert edges(plan()) == {
        "clean": (),
        "check": ("clean",),
        "fit": ("clean",),
        "report": ("fit",),
    }


def test_data_without_a_catalog_entry_tie_nodes_together():
    entries = {name: entry for name, entry in FILES.items() if name != "clean"}
    assert [step.nodes for step in plan(entries=entries).steps] == [
        ("clean", "check", "fit"),
        ("report",),
    ]


def test_data_that_the_catalog_itself_holds_tie_no_nodes_together():
    entries = FILES | {"clean": {"type": "MemoryDataset", "data": 3}}
    steps = plan(entries=entries, nodes=PIPELINE.from_nodes("fit", "check")).steps
    assert [step.nodes for step in steps] == [("check",), ("fit",), ("report",)]


def test_shards_run_side_by_side_and_are_joined_before_what_needs_them():
    made = plan({"fan_out": {"tags": {"heavy": "shards"}, "shards": 2}})
    assert edges(made)["report"] == ("fit-1-of-2", "fit-2-of-2")
    assert edges(made)["fit-2-of-2"] == ("clean",)
    shard = next(step for step in made.steps if step.name == "fit-2-of-2")
    assert shard.params == {"shard": {"index": 2, "count": 2}}


def test_the_number_of_shards_of_the_command_line_wins():
    made = plan({"fan_out": {"pipelines": {"train": "shards"}, "shards": 2}}, shards=5)
    assert sum(step.name.startswith("fit-") for step in made.steps) == 5
    assert len(plan({"fan_out": {"pipelines": {"train": "shards"}}}, shards=1).steps) == 4


def test_one_step_of_a_tag_a_namespace_or_all():
    assert [s.name for s in plan({"grouping": {"tags": ["heavy"]}}).steps] == [
        "clean",
        "heavy",
        "report",
    ]
    spaced = pipeline(PIPELINE, namespace="books", inputs={"raw"}, parameters={"params:shard"})
    entries = {"raw": FILES["raw"], "books.{name}": FILES["clean"] | {"filepath": "{name}.txt"}}
    assert [s.name for s in plan({"grouping": {"by": "namespace"}}, entries, spaced).steps] == [
        "books"
    ]
    assert [s.name for s in plan({"grouping": {"by": "pipeline"}}).steps] == ["train"]


def test_named_steps_come_before_tags_and_tags_before_the_rest():
    grouping = {"by": "pipeline", "tags": ["light"], "steps": {"work": ["fit", "check"]}}
    with pytest.raises(RunnerError, match="cycle"):
        plan({"grouping": grouping})
    grouping = {"by": "pipeline", "steps": {"first": ["clean"], "work": ["fit", "check"]}}
    assert [s.name for s in plan({"grouping": grouping}).steps] == ["first", "work", "report"]


def test_settings_of_nodes_win_over_tags_and_tags_over_the_default():
    steps = {
        "default": {"cpu": 1, "memory": "1GB"},
        "tags": {"heavy": {"cpu": 8}},
        "nodes": {"fit": {"memory": "32GB"}},
    }
    made = {step.name: step.settings for step in plan({"steps": steps}).steps}
    assert (made["clean"].cpu, made["clean"].memory) == (1, "1GB")
    assert (made["check"].cpu, made["check"].memory) == (8, "1GB")
    assert (made["fit"].cpu, made["fit"].memory) == (8, "32GB")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": {"nodes": {"fitt": {}}}}, "no node 'fitt': did you mean 'fit'"),
        ({"steps": {"tags": {"hevy": {}}}}, "no tag 'hevy': did you mean 'heavy'"),
        ({"grouping": {"steps": {"a": ["cleann"]}}}, "no node 'cleann': did you mean 'clean'"),
        ({"grouping": {"tags": ["x"]}}, "no tag 'x': known are heavy, light"),
        ({"fan_out": {"pipelines": {"trian": "shards"}}}, "no pipeline 'trian': did you mean"),
        ({"schedules": {"weekly": {"cron": "0 5 * * 1"}}}, "no pipeline 'weekly'"),
        ({"fan_out": {"tags": {"light": "shards"}}}, "tag 'light', but none of its nodes"),
        ({"keep_in_container": ["raww"]}, "no dataset 'raww': did you mean 'raw'"),
        (
            {"grouping": {"steps": {"a": ["clean", "fit"], "b": ["fit"]}}},
            r"the node fit more than once \(a, b\)",
        ),
        (
            {"grouping": {"steps": {"a": ["clean", "report"]}}},
            "cycle: fit must run after part of it",
        ),
    ],
)
def test_what_cannot_work_is_refused(settings, message):
    with pytest.raises(RunnerError, match="(?s)" + message):
        plan(settings)


def test_shards_are_refused_where_nothing_takes_them():
    with pytest.raises(RunnerError, match="nothing in train fans out"):
        plan(shards=4)


def test_a_node_that_does_not_know_its_shard_may_not_write_in_each():
    settings = {
        "fan_out": {"tags": {"heavy": "shards"}},
        "grouping": {"steps": {"both": ["fit", "report"]}},
    }
    with pytest.raises(RunnerError, match="report is in one step with fit"):
        plan(settings, shards=2)
    assert plan(settings, shards=1).steps[-1].nodes == ("fit", "report")


def test_input_that_nobody_makes_is_refused_by_name():
    entries = {name: entry for name, entry in FILES.items() if name != "raw"}
    with pytest.raises(RunnerError, match="reads 'raw', which no node of it writes"):
        plan(entries=entries)


def test_files_of_a_container_are_refused_by_dataset_and_node():
    with pytest.raises(RunnerError, match=r"checks is a file on the disk.* check runs"):
        plan(remote=True)
    kept = {"keep_in_container": ["checks"]}
    with pytest.raises(RunnerError, match=r"clean is a file .*: check, fit could not read it"):
        plan(kept, remote=True)
    assert len(plan(entries=BUCKET, remote=True).steps) == 4


class NeedsCredentials(TextDataset):
    """A dataset that cannot be made here, as those of a bucket without credentials."""

    def __init__(self, **arguments: object) -> None:
        raise AssertionError("a plan has no need of it")


@pytest.mark.parametrize(
    "entry",
    [
        {"type": NeedsCredentials, "filepath": "gs://books/raw.txt"},
        {"type": "partitions.PartitionedDataset", "path": "gs://b/p", "dataset": NeedsCredentials},
        {
            "type": "CachedDataset",
            "dataset": {"type": NeedsCredentials, "filepath": "gs://books/raw.txt"},
        },
    ],
    ids=["file", "partitions", "wrapped"],
)
def test_data_elsewhere_are_planned_without_a_connection(entry, monkeypatch):
    monkeypatch.setattr(PartitionedDataset, "__init__", NeedsCredentials.__init__)
    entries = dict.fromkeys(FILES, entry)
    assert len(plan(entries=entries, remote=True).steps) == 4
    assert len(plan(entries={"{any}": entry}, remote=True).steps) == 4


def test_names_suit_vertex_and_stay_unique():
    odd = Pipeline([node(one, "raw", "clean"), node(one, "raw", "parts", name="a.b-c")])
    names = [step.name for step in plan(nodes=odd).steps]
    assert len(set(names)) == 2
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz_-.0123456789") for name in names)


def test_names_that_become_the_same_get_numbers_that_no_other_name_has():
    names = ["a", "a-2", "à", "модель", "мир"]
    nodes = [node(one, "raw", f"data_{i}", name=name) for i, name in enumerate(names)]
    entries = FILES | {f"data_{i}": FILES["raw"] for i in range(len(nodes))}
    made = plan(entries=entries, nodes=Pipeline(nodes))
    assert {step.nodes[0]: step.name for step in made.steps} == {
        "a": "a",
        "a-2": "a-2",
        "à": "a-3",
        "мир": "step",
        "модель": "step-2",
    }


def test_what_is_left_of_a_run_waits_for_nothing_that_is_done():
    made = plan({"fan_out": {"tags": {"heavy": "shards"}, "shards": 2}})
    left = made.without({"clean", "fit-1-of-2", "check-1-of-2", "check-2-of-2"})
    assert {step.name: step.after for step in left} == {
        "fit-2-of-2": (),
        "report": ("fit-2-of-2",),
    }
