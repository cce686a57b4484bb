"""A run whose candidate is refused ends after everything is written."""

import pytest
from kedro.framework.project import configure_project

from book_forecast.pipeline_registry import register_pipelines
from book_forecast.pipelines.evaluate.pipeline import GATE


@pytest.mark.parametrize("name", ["evaluate", "__default__"])
def test_the_gate_of_the_verdict_waits_for_what_the_pipeline_writes(name):
    configure_project("book_forecast")
    pipeline = register_pipelines()[name]
    (gate,) = (node for node in pipeline.nodes if node.name == GATE)
    assert gate.outputs == []
    assert "promotion" in gate.inputs
    if name == "__default__":
        assert gate in pipeline.nodes[-2:]
        assert {"forecast_history", "title_plots"} <= set(gate.inputs)


def test_the_verdict_is_on_the_candidate_with_its_scores():
    configure_project("book_forecast")
    pipeline = register_pipelines()["evaluate"]
    (judge,) = (node for node in pipeline.nodes if "gate_verdict" in node.outputs)
    assert "scored_candidate" in judge.inputs
