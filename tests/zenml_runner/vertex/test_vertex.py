"""Every pipeline as a Vertex job, and jobs that run: with no cloud, but with real parts.

Real are ZenML's server, its client and its Vertex orchestrator (in our flavor), Kubeflow's
compiler, Google's client of Vertex, MLflow's server, Kedro and its plugins, and the containers' own
commands, which run as processes in the order of the job's DAG. Storage is an emulator, Vertex an
endpoint of ours that remembers what it is sent.

Not proven are: the image and its build; IAM, the network and quotas; what Vertex itself checks in a
specification, and that it obeys the retry policy as its documentation says; machine types, and
Google's launcher of custom jobs; that a schedule fires; the consistency of the real Cloud Storage.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from book_forecast.sample import sample_frame
from tests.zenml_runner.vertex.cloud import ROOT, Cloud, cloud
from tests.zenml_runner.vertex.executors import Outcome, tasks_of
from tests.zenml_runner.vertex.project import write_project

pytest_plugins = ("tests.gcs",)
pytestmark = pytest.mark.slow

PIPELINES = ("__default__", "ingest", "preprocess", "tune", "train", "evaluate", "forecast")
SHARDED = ("__default__", "tune")
QUICK = "tune.max_trials=2,tune.folds=1,evaluate.folds=1,n_jobs=1,min_success_rate=0"
REGISTRY = "europe-west1-docker.pkg.dev/books/books"


@pytest.fixture(scope="module")
def google(gcs_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        with cloud(tmp_path_factory.mktemp("cloud"), gcs_server) as made:
            yield made


@pytest.fixture(scope="module")
def production(google: Cloud) -> dict[str, str]:
    """What an operator sets before submitting this project's pipelines."""
    google.make_bucket("books")
    return {
        "BOOK_FORECAST_BUCKET": "books",
        "BOOK_FORECAST_PROJECT": "books",
        "BOOK_FORECAST_ARTIFACTS": "gs://artifacts",
        "BOOK_FORECAST_REGISTRY": REGISTRY,
        "BOOK_FORECAST_SERVICE_ACCOUNT": "steps@books.iam.gserviceaccount.com",
        "BOOK_FORECAST_IMAGE": f"{REGISTRY}/pipelines:1",
        "MLFLOW_TRACKING_URI": google.mlflow,
    }


@pytest.fixture(scope="module")
def prepared_data(google: Cloud, production: dict[str, str]) -> None:
    """A few short histories on the bucket, ingested and preprocessed by Kedro alone."""
    frame = sample_frame(titles=4, seed=42)
    recent = frame[pd.to_datetime(frame["End Date"]) >= pd.Timestamp("2021-07-01")]
    google.bucket.pipe("books/01_raw/sales/export.csv", recent.to_csv(index=False).encode())
    google.kedro(
        ROOT, "run", "--env", "production", "--pipelines", "ingest,preprocess", **production
    )


@pytest.fixture(scope="module")
def submissions(google: Cloud, production: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Submits each pipeline, on a core of its own while tests wait for containers in a row."""
    common = ["--env", "production", "--stack", "vertex", "--params", QUICK]
    commands = [["run", "--pipeline", p, *common, *_shards(p)] for p in PIPELINES]
    process = google.start(ROOT, *commands, **production)
    yield process
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def submitted(google: Cloud, submissions: subprocess.Popen[str]) -> dict[str, str]:
    """The job of each pipeline: its id by the pipeline's name."""
    output, _ = submissions.communicate(timeout=300)
    assert submissions.returncode == 0, output
    return {pipeline: google.jobs(pipeline)[-1] for pipeline in PIPELINES}


@pytest.fixture(scope="module")
def troubled(google: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project whose node fails or hangs on demand."""
    google.make_bucket("numbers")
    return write_project(tmp_path_factory.mktemp("troubled"), "numbers", google.mlflow)


@pytest.fixture(scope="module")
def scheduling(google: Cloud, troubled: Path) -> list[str]:
    """What commands print that make two schedules of the small project and end one of them."""
    process = google.start(
        troubled,
        ["schedule", "--pipeline", "squares", "--cron", "0 5 * * 1"],
        ["schedule", "--pipeline", "__default__", "--cron", "0 6 * * *"],
        ["schedule", "--list"],
        ["schedule", "--pipeline", "__default__", "--delete"],
        ["schedule", "--list"],
    )
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output.splitlines()


@pytest.fixture(scope="module")
def weekly(google: Cloud, scheduling: list[str]) -> dict[str, Any]:
    """The schedule that is left, as Vertex has got it."""
    (schedule,) = google.vertex.schedules
    return schedule


def test_a_failing_node_and_a_killed_container_are_retried_and_the_run_goes_on(
    google: Cloud, troubled: Path, tmp_path: Path
) -> None:
    (tmp_path / "work-1-of-2.fails").touch()
    (tmp_path / "work-2-of-2.hangs").write_text("1")
    run = google.run_watched(troubled, tmp_path, "run", "--pipeline", "squares")
    assert run.code == 0, run.output + run.outcome.failures()
    assert run.outcome.attempts == {"work-1-of-2": 2, "work-2-of-2": 2, "gather": 1, "report": 1}
    assert "the disk is full" in run.outcome.output["work-1-of-2"]
    assert "All 4 steps done" in run.output
    assert google.vertex.jobs[run.job_id]["labels"]["team"] == "planning"
    assert_completed(google, run.job_id, run.outcome)
    (version,) = versions(google)["total"]
    joined = json.loads(google.bucket.cat(f"numbers/total.json/{version}/total.json"))
    assert joined == {str(n): n * n for n in range(1, 7)}


@pytest.mark.usefixtures("submissions")
def test_a_shard_that_is_killed_too_often_fails_the_run_and_is_resumed_alone(
    google: Cloud, troubled: Path, tmp_path: Path
) -> None:
    (tmp_path / "work-2-of-2.hangs").write_text("2")
    run = google.run_watched(troubled, tmp_path, "run", "--pipeline", "squares")
    assert (run.code, run.outcome.attempts) == (1, {"work-1-of-2": 1, "work-2-of-2": 2})
    assert "work-2-of-2 failed: it has left no error" in run.output
    assert "Not started: gather, report" in run.output
    zenml_run = google.zenml_run(run.job_id)
    assert zenml_run["body"]["status"] == "failed"
    assert [r.info.status for r in google.mlflow_runs(zenml_run)] == ["FAILED"]

    status = google.start(troubled, ["status", zenml_run["name"]])
    printed = re.search(r"python -m zenml_runner (run --resume .*)", run.output)
    assert printed is not None, run.output
    arguments = shlex.split(printed[1])
    place = arguments.index("--project")
    assert arguments[place + 1] == str(troubled)
    del arguments[place : place + 2]
    resumed = google.run_watched(troubled, tmp_path, *arguments)
    assert resumed.code == 0, resumed.output + resumed.outcome.failures()
    assert resumed.outcome.attempts == {"work-2-of-2": 1, "gather": 1, "report": 1}
    assert_completed(google, resumed.job_id, resumed.outcome)

    shown, _ = status.communicate()
    assert status.returncode == 0, shown
    assert re.search(r"work-1-of-2 +completed", shown), shown
    assert re.search(r"work-2-of-2 +failed", shown), shown
    assert re.search(r"gather +not started", shown), shown


def test_a_schedule_has_its_cron_string_and_its_runs_one_version_in_all_steps(
    google: Cloud, troubled: Path, weekly: dict[str, Any], tmp_path: Path
) -> None:
    assert weekly["cron"] == "0 5 * * 1"
    before = versions(google)
    # What Vertex does on Monday.
    google.vertex.jobs["squares-on-monday"] = dict(
        weekly["createPipelineJobRequest"]["pipelineJob"]
    )
    outcome = google.execute("squares-on-monday", troubled, tmp_path)
    assert outcome.succeeded, outcome.failures()
    assert_completed(google, "squares-on-monday", outcome, attempts=1)
    run = google.zenml_run("squares-on-monday")
    assert re.fullmatch(r"squares-\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d_\d+", run["name"])
    (made,) = versions(google)["total"] - before["total"]
    assert versions(google)["report"] - before["report"] == {made}


def test_a_schedule_that_is_deleted_ends_on_vertex_as_well_as_in_zenml(
    google: Cloud, scheduling: list[str]
) -> None:
    assert google.vertex.ended == ["troubled-__default__"]
    assert [s["displayName"] for s in google.vertex.schedules] == ["troubled-squares"]
    squares, daily = (
        "troubled-squares  0 5 * * 1  active",
        "troubled-__default__  0 6 * * *  active",
    )
    ended = scheduling.index("Deleted the schedule troubled-__default__.")
    assert {squares, daily} <= set(scheduling[:ended])
    assert scheduling[ended + 1 :] == [squares]


def test_a_machine_type_makes_a_step_a_custom_job_with_its_retries(weekly: dict[str, Any]) -> None:
    job = weekly["createPipelineJobRequest"]["pipelineJob"]
    tasks = tasks_of(job)
    assert tasks["report"].machine == {"machine_type": "n2-highmem-8"}
    assert tasks["report"].after == {"gather"}
    assert tasks["report"].retries == 3
    assert tasks["report"].container["image_uri"] == tasks["gather"].container["image"]
    parameters = job["pipelineSpec"]["components"]["comp-report"]["inputDefinitions"]["parameters"]
    account = parameters["service_account"]["defaultValue"]
    assert account == "steps@books.iam.gserviceaccount.com"
    assert {name for name, task in tasks.items() if task.machine} == {"report"}
    accelerator = tasks["gather"].container["resources"]["accelerator"]
    assert (accelerator["type"], accelerator["count"]) == ("NVIDIA_TESLA_T4", "1")


@pytest.mark.usefixtures("submissions")
def test_a_part_that_does_not_answer_is_explained_in_one_paragraph(
    google: Cloud, troubled: Path, tmp_path: Path
) -> None:
    nobody = "http://127.0.0.1:9"
    untracked = write_project(tmp_path / "untracked", "numbers", nobody)
    homeless = write_project(tmp_path / "homeless", "numbers", google.mlflow)
    config = homeless / "conf/base/zenml.yml"
    config.write_text(config.read_text().replace("gs://artifacts", "gs://nowhere"))
    cases: list[tuple[Path, dict[str, str], str]] = [
        (troubled, {"ZENML_STORE_URL": nobody}, f"The ZenML server {nobody} does not answer"),
        (untracked, {}, f"The MLflow server {nobody} does not answer"),
        (homeless, {}, "The artifact store gs://nowhere does not exist"),
    ]
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda case: google.type(case[0], "run", **case[1]), cases)
    for (code, output), (_, _, message) in zip(answers, cases, strict=True):
        assert code == 1, output
        assert output.splitlines()[-1].startswith(f"Error: {message}"), output
        assert "Traceback" not in output


def test_each_pipeline_becomes_a_job_with_an_executor_for_each_step(
    google: Cloud, submitted: dict[str, str]
) -> None:
    for pipeline, job_id in submitted.items():
        job = google.vertex.jobs[job_id]
        assert re.fullmatch(r"[a-z][a-z0-9-]{0,127}", job_id)
        assert re.fullmatch(r"[a-z][a-z0-9-]{0,127}", job["pipelineSpec"]["pipelineInfo"]["name"])
        assert job["displayName"] == pipeline
        assert job["serviceAccount"] == "steps@books.iam.gserviceaccount.com"
        for task in tasks_of(job).values():
            assert task.container["image"] == f"{REGISTRY}/pipelines:1"
            assert task.container["args"][-1] == task.name
            assert task.environment["ZENML_STORE_URL"] == google.zenml.url
            assert task.environment["BOOK_FORECAST_BUCKET"] == "books"
            assert "MLFLOW_TRACKING_AUTH" not in task.environment
            assert google.zenml.api_key not in task.environment.values()
    # Code is in the image.
    stored = google.bucket.find("artifacts")
    assert not [path for path in stored if "code" in path or path.endswith(".tar.gz")]
    assert google.vertex.others == []


def test_what_fans_out_is_n_executors_joined_before_what_depends_on_them(
    google: Cloud, submitted: dict[str, str]
) -> None:
    tune = tasks_of(google.vertex.jobs[submitted["tune"]])
    searches, folds = sharded("tune.search_orders"), sharded("tune.forecast_folds")
    once = {"stratify_titles", "fit_global_model", "choose_families", "weigh_families"}
    assert set(tune) == searches | folds | {f"tune.{name}" for name in once}
    assert all(tune[name].after == {"tune.choose_families"} for name in searches)
    assert all(tune[name].retries == 2 for name in searches | folds)
    resources = [tune[name].container["resources"] for name in searches | folds]
    assert {given["cpuLimit"] for given in resources} == {8.0}
    assert {given["memoryLimit"] for given in resources} == {16.0}
    whole = tasks_of(google.vertex.jobs[submitted["__default__"]])
    scored, released = sharded("train.training.fit_titles"), sharded("train.release.fit_titles")
    champion = sharded("train.champion.fit_titles")
    known = sharded("evaluate.forecast_known_weeks")
    compared = sharded("evaluate.forecast_with_champion")
    (weeks,) = [name for name in whole if name.startswith("preprocess.limit_weeks")]
    (table,) = [name for name in whole if "build_covariates" in name]
    weights, champions = "tune.weigh_families", "train.recall_champion"
    for names, after in (
        (searches, {weeks, "tune.choose_families"}),
        (folds, searches | {weeks, table, "tune.fit_global_model"}),
        (scored, {weights, weeks, table, *models("train.training")}),
        (released, {weights, weeks, table, *models("train.release")}),
        (champion, {champions, weeks, table, *models("train.champion")}),
        (known, scored | {weeks, weights}),
        (compared, champion),
    ):
        for name in names:
            assert whole[name].after == after, name
            assert whole[name].retries == 2, name
            given = whole[name].container["resources"]
            assert (given["cpuLimit"], given["memoryLimit"]) == (8.0, 16.0), name
    every = searches | folds | scored | released | champion | known | compared
    assert {name for name in whole if "-of-4" in name} == every
    assert whole["train.assemble_release"].after >= released
    assert whole["evaluate.score_titles"].after >= known
    forecast = whole["forecast.forecast_titles"]
    assert forecast.retries == 0
    assert "cpuLimit" not in forecast.container.get("resources", {})


def sharded(node: str) -> set[str]:
    return {f"{node}-{k}-of-4" for k in range(1, 5)}


def models(namespace: str) -> set[str]:
    """The steps that fit what all titles of a namespace share."""
    return {f"{namespace}.fit_global_model", f"{namespace}.specify_launches"}


def test_tune_train_evaluate_and_forecast_run_in_containers_and_write_to_the_bucket(
    google: Cloud, production: dict[str, str], prepared_data: None, submitted: dict[str, str]
) -> None:
    local = set((ROOT / "data").rglob("*"))
    before = set(google.bucket.find("books"))
    for pipeline in ("tune", "train", "evaluate", "forecast"):
        outcome = google.execute(submitted[pipeline], ROOT)
        assert outcome.succeeded, outcome.failures()
        assert_completed(google, submitted[pipeline], outcome, attempts=1)
    written = {path.split("/")[1] for path in set(google.bucket.find("books")) - before}
    assert written == {"06_models", "07_model_output", "08_reporting"}
    forecasts = pd.read_parquet(google.bucket.open("books/07_model_output/forecasts.parquet"))
    assert (forecasts.groupby("isbn")["week"].count() == 32).all()
    assert forecasts["isbn"].nunique() == 4
    assert set((ROOT / "data").rglob("*")) == local


def _shards(pipeline: str) -> list[str]:
    return ["--shards", "4"] if pipeline in SHARDED else []


def assert_completed(
    google: Cloud, job_id: str, outcome: Outcome, attempts: int | None = None
) -> None:
    """ZenML's run has completed, in it each step once, and one MLflow run, linked both ways."""
    run = google.zenml_run(job_id)
    assert run["body"]["status"] == "completed"
    found = google.zenml.get("steps", pipeline_run_id=run["id"], size="100")["items"]
    done = [step["name"] for step in found if step["body"]["status"] == "completed"]
    assert sorted(done) == sorted(outcome.attempts)
    assert len(found) == sum(outcome.attempts.values())
    assert attempts is None or set(outcome.attempts.values()) == {attempts}
    (tracked,) = google.mlflow_runs(run)
    tags = tracked.data.tags
    assert tracked.info.status == "FINISHED"
    assert (tags["zenml.run_name"], tags["vertex.job"]) == (run["name"], job_id)
    assert run["metadata"]["run_metadata"]["mlflow.run_id"] == tracked.info.run_id


def versions(google: Cloud) -> dict[str, set[str]]:
    """The versions on the bucket by dataset."""
    paths = google.bucket.find("numbers")
    return {
        name: {path.split("/")[2] for path in paths if path.startswith(f"numbers/{name}.json/")}
        for name in ("total", "report")
    }
