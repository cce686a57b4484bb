"""What ZenML shows of real runs: datasets as artifacts, lineage, views, models and parameters."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runner_testing.alone import ALONE
from runner_testing.projects import Runner
from runner_testing.shown import shown, shown_project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    home = tmp_path_factory.mktemp("shown")
    project = shown_project(home / "project")
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=me", "-c", "user.email=me@host", "commit", "-qm", "all"],
    ):
        subprocess.run(["git", *words], cwd=project, check=True)
    return Runner(project, home)


@pytest.fixture(scope="module")
def first(runner: Runner) -> dict[str, Any]:
    done = runner.zenml("run", "--params", "options.added=1")
    assert done.returncode == 0, done.stderr
    assert "broken has no visualisation (cannot be drawn)" in done.stdout + done.stderr
    return shown(runner)


def ids(versions: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [v["id"] for v in found] for name, found in versions.items()}


def test_each_written_dataset_is_an_artifact_under_its_own_name(first: dict[str, Any]) -> None:
    written = {name: set(step["outputs"]) for name, step in first["steps"].items()}
    assert written == {
        "clean": {"table"},
        "count": {"letters"},
        "double--fit": {"one.model", "train_metrics"},
        "draw": {"figure", "broken"},
    }
    (table,) = first["steps"]["clean"]["outputs"]["table"]
    assert table["name"] == "table"
    assert table["uri"].endswith("data/table.csv")
    assert table["data_type"] == "pandas.DataFrame"
    (model,) = first["steps"]["double--fit"]["outputs"]["one.model"]
    assert json.loads(Path(model["uri"]).read_text()) == {"slope": 2.0}


def test_steps_have_what_they_read_as_inputs(first: dict[str, Any]) -> None:
    steps = first["steps"]
    table = ids(steps["clean"]["outputs"])["table"]
    assert ids(steps["count"]["inputs"]) == {"table": table}
    # Data in memory are no artifacts.
    assert ids(steps["double--fit"]["inputs"]) == {"table": table}
    model = ids(steps["double--fit"]["outputs"])["one.model"]
    assert ids(steps["draw"]["inputs"]) == {"one.model": model}
    (raw,) = steps["clean"]["inputs"]["raw"]
    assert raw["uri"].endswith("data/raw.csv")


def test_data_can_be_seen_without_their_markup_and_secrets(first: dict[str, Any]) -> None:
    steps = first["steps"]
    ((kind, page),) = steps["clean"]["outputs"]["table"][0]["views"]
    assert kind == "html"
    assert "2 rows, 2 columns" in page
    assert "<td>&lt;b&gt;</td>" in page
    ((kind, text),) = steps["count"]["outputs"]["letters"][0]["views"]
    assert kind == "json"
    assert json.loads(text) == {"letters": 14, "api_key": "***"}
    ((kind, page),) = steps["draw"]["outputs"]["figure"][0]["views"]
    assert "<b>drawn</b>" in page
    assert steps["draw"]["outputs"]["broken"][0]["views"] == []


def test_steps_have_their_parameters_without_secrets(first: dict[str, Any]) -> None:
    steps = first["steps"]
    assert steps["clean"]["metadata"]["parameters"] == {
        "options": {"drop": True, "password": "***", "added": 1}
    }
    assert "secret-token" not in json.dumps(steps["double--fit"]["metadata"])
    # An artifact has the metadata of its step.
    table = steps["clean"]["outputs"]["table"][0]["metadata"]
    assert table["written"]["table@pandas"]["rows"] == 2


def test_run_has_the_commit_of_the_code(first: dict[str, Any], runner: Runner) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=runner.project, capture_output=True, text=True, check=True
    )
    code = first["run"]["code"]
    assert code["commit"] == commit.stdout.strip()
    assert code["uncommitted_changes"] is False


def test_model_version_has_artifacts_and_metrics(first: dict[str, Any]) -> None:
    model = first["model"]
    assert model["models"] == ["one.model"]
    assert {"table", "letters", "train_metrics"} <= set(model["artifacts"])
    assert model["metadata"]["train_metrics"] == {"error": 0.25, "of.test": 2}


def test_skipped_step_has_its_former_artifacts(runner: Runner, first: dict[str, Any]) -> None:
    done = runner.zenml("run", "--params", "options.added=1", SMALL_REVISION="of-image")
    assert "cached" in done.stdout, done.stdout + done.stderr
    again = shown(runner)
    assert again["run"]["code"]["commit"] == "of-image"
    assert ids(again["steps"]["clean"]["outputs"]) == ids(first["steps"]["clean"]["outputs"])
    assert ids(again["steps"]["clean"]["inputs"]) == ids(first["steps"]["clean"]["inputs"])
    # Steps that run have new artifacts.
    assert ids(again["steps"]["count"]["outputs"]) != ids(first["steps"]["count"]["outputs"])
    assert ids(again["steps"]["count"]["inputs"]) == ids(first["steps"]["count"]["inputs"])
    assert again["model"]["number"] != first["model"]["number"]
    assert "table" in again["model"]["artifacts"]


def test_reader_of_shards_has_the_parts_of_all(runner: Runner, first: dict[str, Any]) -> None:
    done = runner.zenml("run", "--pipeline", "shards", "--shards", "3")
    assert done.returncode == 0, done.stderr
    steps = shown(runner)["steps"]
    parts = {ids(steps[f"work-{k}-of-3"]["outputs"])["parts"][0] for k in (1, 2, 3)}
    assert len(parts) == 3
    read = steps["gather"]["inputs"]
    assert {v["id"] for found in read.values() for v in found} == parts
    # The same data as in the first run are the same artifact.
    raw = {ids(steps[f"work-{k}-of-3"]["inputs"])["raw"][0] for k in (1, 2, 3)}
    assert raw == set(ids(first["steps"]["clean"]["inputs"])["raw"])


def test_contents_stay_in_the_catalog_where_that_is_asked(
    runner: Runner, first: dict[str, Any]
) -> None:
    settings = runner.project / "conf/base/zenml.yml"
    before = settings.read_text()
    settings.write_text(before + "artifacts: {hide: [table]}\n")
    try:
        done = runner.zenml("run", "--nodes", "clean,count", "--params", "options.added=2")
        assert done.returncode == 0, done.stderr
    finally:
        settings.write_text(before)
    steps = shown(runner)["steps"]
    assert steps["clean"]["outputs"]["table"][0]["views"] == []
    assert steps["count"]["outputs"]["letters"][0]["views"]


def test_steps_in_processes_of_their_own_find_what_others_have_written(runner: Runner) -> None:
    # ALONE removes the record of hooks, which other projects have.
    (runner.project / "record.jsonl").touch()
    done = runner.python(ALONE)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = shown(runner)["steps"]
    table = ids(steps["clean"]["outputs"])["table"]
    assert ids(steps["count"]["inputs"]) == {"table": table}
    model = ids(steps["double--fit"]["outputs"])["one.model"]
    assert ids(steps["draw"]["inputs"]) == {"one.model": model}
    assert steps["count"]["outputs"]["letters"][0]["views"]
