"""Every registered pipeline is a box with few inputs to each node and a name for each node."""

from collections.abc import Iterator

import pytest
from kedro.framework.project import configure_project
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from book_forecast.pipeline_registry import ORDER, register_pipelines

MOST_INPUTS = 8
# They end the run and read outputs of other pipelines, so they are in no box.
GATES = {"require_success", "require_promotion"}


@pytest.fixture(scope="module")
def pipelines() -> dict[str, Pipeline]:
    configure_project("book_forecast")
    return register_pipelines()


def nodes_of(pipelines: dict[str, Pipeline]) -> Iterator[tuple[str, Node]]:
    for name, pipeline in pipelines.items():
        for node in pipeline.nodes:
            yield name, node


def test_the_default_pipeline_is_the_seven_from_export_to_advice_on_stock(pipelines):
    assert set(pipelines) >= {*ORDER, "__default__"}
    together = {node.name for name in ORDER for node in pipelines[name].nodes}
    assert {node.name for node in pipelines["__default__"].nodes} == together


def test_a_weekly_run_advises_on_stock_once_forecasts_are_written(pipelines):
    for name in ("weekly", "__default__"):
        advise = next(n for n in pipelines[name].nodes if n.name == "decide.advise_on_stock")
        assert "forecasts" in advise.inputs
    assert {node.name for node in pipelines["weekly"].nodes} >= {
        node.name for node in pipelines["decide"].nodes
    }


def test_a_weekly_run_monitors_after_its_forecasts_and_advice(pipelines):
    """Whatever fails in monitor costs neither."""
    weekly = pipelines["weekly"]
    monitoring = {node.name for node in pipelines["monitor"].nodes}
    places = {node.name: place for place, node in enumerate(weekly.nodes)}
    others = [place for name, place in places.items() if name not in monitoring]
    assert min(places[name] for name in monitoring) > max(others)
    # Runners that order nodes in another way wait for the records at least.
    first = {node for node in weekly.nodes if node.name in monitoring}
    read = {name for node in first for name in node.inputs}
    assert "forecast_history" in read
    assert "recorded_forecasts" not in read


def test_a_week_is_held_against_former_forecasts_before_any_model_sees_it(pipelines):
    for name in ("weekly", "refresh", "__default__"):
        nodes = {node.name: node for node in pipelines[name].nodes}
        judge = nodes["preprocess.leave_out_impossible_weeks"]
        assert "recorded_bounds" in judge.inputs
        users = [node for node in nodes.values() if "limited_sales" in node.inputs]
        assert users == [judge]


def test_no_node_has_more_than_eight_inputs(pipelines):
    """Parameters, checkpoints and awaited outputs included."""
    found = {
        f"{name}: {node.name}": len(node.inputs)
        for name, node in nodes_of(pipelines)
        if len(node.inputs) > MOST_INPUTS
    }
    assert found == {}


def test_the_gates_run_after_all_other_nodes(pipelines):
    nodes = pipelines["__default__"].nodes
    assert {node.name for node in nodes[-len(GATES) :]} == GATES


def test_a_refresh_decides_by_what_it_finds_itself_and_ends_with_the_gates(pipelines):
    """Nothing of a former run's state, plan or verdict is taken for this one's."""
    refresh = pipelines["refresh"]
    decided = {"monitor_status", "title_shifts", "arm_test", "retraining_plan", "promotion"}
    assert decided <= refresh.datasets()
    assert not decided & refresh.inputs()
    assert {node.name for node in refresh.nodes[-len(GATES) :]} == GATES
    trainings = {
        "retune.search_orders",
        "retrain.training.fit_titles",
        "retrain.release.fit_titles",
    }
    assert trainings <= {node.name for node in refresh.from_inputs("monitor_status").nodes}


@pytest.mark.parametrize("name", ORDER)
def test_a_pipeline_is_one_namespace(pipelines, name):
    assert len(pipelines[name].nodes) > 0
    for node in pipelines[name].nodes:
        if node.name not in GATES:
            assert str(node.namespace).split(".")[0] == name, node.name


def test_datasets_have_no_prefix_of_their_pipeline(pipelines):
    named = {dataset for name in ORDER for dataset in pipelines[name].datasets()}
    assert not {dataset for dataset in named if dataset.split(".")[0] in ORDER}


def test_nodes_are_named_after_their_pipeline_and_function(pipelines):
    """These are the names that `kedro run --nodes` takes."""
    names = [node.name for node in pipelines["__default__"].nodes]
    assert len(set(names)) == len(names)
    assert set(names) >= {
        "tune.search_orders",
        "tune.fit_global_model",
        "tune.forecast_folds",
        "tune.weigh_families",
        "train.training.fit_titles",
        "train.release.fit_titles",
        "train.champion.fit_titles",
        "train.recall_champion",
        "train.summarise_fits",
        "train.assemble_release",
        "evaluate.forecast_known_weeks",
        "evaluate.forecast_with_champion",
        "evaluate.score_titles",
        "forecast.roll_forward",
        "forecast.forecast_titles",
        "forecast.sum_forecasts",
    }
    for node in pipelines["__default__"].nodes:
        assert node.name in GATES or node.name.split(".")[0] in ORDER
        assert pipelines["__default__"].only_nodes(node.name).nodes == [node]
