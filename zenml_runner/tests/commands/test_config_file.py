"""A file of options means what it means for kedro run."""

from pathlib import Path

import pytest
from kedro.framework.cli.project import run as kedro_run

from runner_testing.words import files, kedro_call, nodes, planned, refusal, write_outputs


@pytest.fixture
def project(opened):
    return opened(files())


def config(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "run.yml"
    path.write_text(text)
    return ["--config", str(path)]


@pytest.mark.parametrize(
    "text",
    [
        "run: {pipelines: 'first, second', tags: 'early,late', env: local}",
        "run: {pipeline: second, params: 'number=7', is_async: true}",
        "run: {params: {number: 8, other: {deep: x}}, from_nodes: version, to_outputs: last}",
        "run: {node_names: 'make, end', runner: SequentialRunner}",
        "run: {load_versions: 'versioned:2026-01-01T00.00.00.000Z', from_inputs: versioned}",
        "run: {only_missing_outputs: true, conf_source: conf}",
        pytest.param(
            "run: {runner_params: 'is_async=True'}",
            marks=pytest.mark.skipif(
                "runner_params" not in {option.name for option in kedro_run.params},
                reason="this version of Kedro has no such option",
            ),
        ),
    ],
)
@pytest.mark.parametrize("more", [[], ["--params", "number=9"]], ids=["file", "both"])
def test_a_file_means_what_it_means_for_kedro_run(project, tmp_path, text, more):
    write_outputs(project, "made", "stored", "versioned", "last")
    given = [*config(tmp_path, text), *more]
    call, prepared = kedro_call(*given), planned(*given)
    runner, pipeline, catalog = call.args[:3]
    assert nodes(prepared) == sorted(node.name for node in pipeline.nodes)
    assert prepared.plan.run.is_async == runner._is_async
    assert prepared.execution.catalog.load("params:number") == catalog.load("params:number")
    load_version = prepared.execution.catalog.get("versioned")._version.load
    assert load_version == catalog.get("versioned")._version.load


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run: {pipelnes: first}", "did you mean 'pipelines'"),
        ("run: {runner: ThreadRunner}", "sets the runner ThreadRunner, but ZenML runs the nodes"),
        ("run: {runner_params: {max_workers: 4}}", "sets 'max_workers' under 'runner_params'"),
        ("pipelines: first", "has no section 'run'"),
        ("run: [", "cannot be read as YAML"),
    ],
)
def test_a_file_without_a_meaning_is_refused(project, tmp_path, text, message):
    assert message in refusal(*config(tmp_path, text), "--dry-run")


def test_lists_and_own_options_may_stand_in_a_file(project, tmp_path):
    given = config(tmp_path, "run: {pipelines: [first, second], stack: local, tags: null}")
    prepared = planned(*given, command="compile")
    assert nodes(prepared) == ["end", "make", "pass_on", "store", "version"]
    text = refusal(*config(tmp_path, "run: {tags: early}"), command="schedule")
    assert "sets 'tags', which schedule does not have" in text
