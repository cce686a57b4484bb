"""All pipelines as Vertex jobs, and jobs that run: with no cloud, but with real parts.

Real are ZenML's server, its client and its Vertex orchestrator (in our flavor), Kubeflow's
compiler, Google's client of Vertex, MLflow's server, Kedro and its plugins, and the containers' own
commands, which run as processes in the order of the job's DAG: those of a schedule's job start
Python anew, others are forks that have the libraries imported. Storage is an emulator, Vertex an
endpoint of ours that remembers what it is sent.

Not proven are: the image and its build; IAM, the network and quotas; what Vertex itself checks in a
specification, and that it obeys the retry policy as its documentation says; machine types, and
Google's launcher of custom jobs; that a schedule fires; the consistency of the real Cloud Storage.
"""

import json
import re
import shlex
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient

from runner_testing.warm import Command
from tests.vertex.cloud import Cloud, cloud
from tests.vertex.executors import ROOT, Outcome, tasks_of
from tests.vertex.production import FOLDS, REGISTRY, TITLES, Production
from tests.vertex.production import in_background as production_jobs
from tests.vertex.project import write_project
from tests.vertex.servers import ZenmlServer
from zenml_runner.kedro_project.project import Project

pytest_plugins = ("tests.gcs", "tests.vertex.shared")
# Where other work keeps the machine busy, all of this takes many times as long.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def google(
    gcs_server: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Cloud]:
    def start_zenml() -> ZenmlServer:
        found: ZenmlServer = request.getfixturevalue("shared_zenml")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        with cloud(tmp_path_factory.mktemp("cloud"), gcs_server, start_zenml) as made:
            yield made


@pytest.fixture(scope="module")
def in_background(google: Cloud) -> Iterator[Future[Production]]:
    with production_jobs(google) as future:
        yield future


@pytest.fixture(scope="module")
def production(in_background: Future[Production]) -> Production:
    """This project's jobs, when those that run have ended."""
    return in_background.result()


@pytest.fixture(scope="module")
def troubled(google: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project whose node fails or hangs on demand."""
    google.make_bucket("numbers")
    project = write_project(tmp_path_factory.mktemp("troubled"), "numbers", google.mlflow)
    # Two commands at once would both create the database that the project's mlflow.yml names.
    MlflowClient(f"sqlite:///{project}/mlflow.db").search_experiments()
    return project


@pytest.fixture(scope="module")
def schedules(google: Cloud, troubled: Path) -> Iterator[Command]:
    """Makes two schedules of the small project and ends one of them, beside a run's containers."""
    process = google.start(
        troubled,
        ["schedule", "--pipeline", "squares", "--cron", "0 5 * * 1", "--shards", "1"],
        ["schedule", "--pipeline", "__default__", "--cron", "0 6 * * *"],
        ["schedule", "--list"],
        ["schedule", "--pipeline", "__default__", "--delete"],
        ["schedule", "--list"],
    )
    yield process
    process.kill()


@pytest.fixture(scope="module")
def scheduling(schedules: Command) -> list[str]:
    """What the commands of the schedules have printed."""
    output, _ = schedules.communicate()
    assert schedules.returncode == 0, output
    return output.splitlines()


@pytest.fixture(scope="module")
def weekly(google: Cloud, scheduling: list[str]) -> dict[str, Any]:
    """The schedule that is left, as Vertex has got it."""
    (schedule,) = google.schedules("troubled")
    return schedule


@pytest.mark.usefixtures("in_background", "schedules")
def test_failures_and_killed_containers_are_retried_and_what_fails_for_good_is_resumed_alone(
    google: Cloud, troubled: Path, tmp_path: Path
) -> None:
    (tmp_path / "work-1-of-2.fails").touch()
    # Twice in the first run, which has one retry, and once in the second.
    (tmp_path / "work-2-of-2.hangs").write_text("3")
    run = google.run_watched(troubled, tmp_path, "run", "--pipeline", "squares")
    assert (run.code, run.outcome.attempts) == (1, {"work-1-of-2": 2, "work-2-of-2": 2})
    assert "the disk is full" in run.outcome.output["work-1-of-2"]
    assert "work-2-of-2 failed: it has left no error" in run.output
    assert "Not started: gather, report" in run.output
    assert google.vertex.jobs[run.job_id]["labels"]["team"] == "planning"
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
    assert resumed.outcome.attempts == {"work-2-of-2": 2, "gather": 1, "report": 1}
    assert "All 3 steps done" in resumed.output
    assert_completed(google, resumed.job_id, resumed.outcome)
    (version,) = versions(google)["total"]
    joined = json.loads(google.bucket.cat(f"numbers/total.json/{version}/total.json"))
    assert joined == {str(n): n * n for n in range(1, 7)}

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
    outcome = google.execute("squares-on-monday", troubled, tmp_path, anew=True)
    assert outcome.succeeded, outcome.failures()
    assert_completed(google, "squares-on-monday", outcome, attempts=1)
    run = google.zenml_run("squares-on-monday")
    assert re.fullmatch(r"squares-\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d_\d+", run["name"])
    (made,) = versions(google)["total"] - before["total"]
    assert versions(google)["report"] - before["report"] == {made}


def test_a_schedule_that_is_deleted_ends_on_vertex_as_well_as_in_zenml(
    google: Cloud, troubled: Path, scheduling: list[str]
) -> None:
    key = Project(troubled, "troubled", troubled / "src/troubled").key
    assert google.vertex.ended == [f"troubled-__default__-{key}"]
    assert [s["displayName"] for s in google.schedules("troubled")] == [f"troubled-squares-{key}"]
    squares, daily = (
        f"troubled-squares-{key}  0 5 * * 1  active",
        f"troubled-__default__-{key}  0 6 * * *  active",
    )
    ended = scheduling.index(f"Deleted the schedule troubled-__default__-{key}.")
    assert {squares, daily} <= set(scheduling[:ended])
    assert scheduling[ended + 1 :] == [squares]


def test_a_machine_type_makes_a_step_a_custom_job_with_its_retries(weekly: dict[str, Any]) -> None:
    job = weekly["createPipelineJobRequest"]["pipelineJob"]
    tasks = tasks_of(job)
    assert tasks["report"].machine == {"machine_type": "n2-highmem-8"}
    # In one shard the light nodes share a container.
    assert tasks["report"].after == {"squares"}
    assert tasks["report"].retries == 3
    assert tasks["report"].container["image_uri"] == tasks["squares"].container["image"]
    parameters = job["pipelineSpec"]["components"]["comp-report"]["inputDefinitions"]["parameters"]
    account = parameters["service_account"]["defaultValue"]
    assert account == "steps@books.iam.gserviceaccount.com"
    assert {name for name, task in tasks.items() if task.machine} == {"report"}
    accelerator = tasks["squares"].container["resources"]["accelerator"]
    assert (accelerator["type"], accelerator["count"]) == ("NVIDIA_TESLA_T4", "1")


@pytest.mark.usefixtures("in_background")
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


def test_each_step_of_a_pipeline_is_an_executor_of_its_job(
    google: Cloud, production: Production
) -> None:
    for pipeline, ids in production.jobs.items():
        for job_id in ids:
            job = google.vertex.jobs[job_id]
            assert re.fullmatch(r"[a-z][a-z0-9-]{0,127}", job_id)
            name = job["pipelineSpec"]["pipelineInfo"]["name"]
            assert re.fullmatch(r"[a-z][a-z0-9-]{0,127}", name)
            assert job["displayName"] == pipeline
            assert job["serviceAccount"] == "steps@books.iam.gserviceaccount.com"
            assert job["labels"]["environment"] == "production"
            for task in tasks_of(job).values():
                assert task.container["image"] == f"{REGISTRY}/pipelines:1"
                assert task.container["args"][-1] == task.name
                assert task.environment["ZENML_STORE_URL"] == google.zenml.url
                assert task.environment["BOOK_FORECAST_BUCKET"] == "books"
                assert "MLFLOW_TRACKING_AUTH" not in task.environment
                assert google.zenml.api_key not in task.environment.values()
                assert task.retries == (1 if task.name in GATES else 2), task.name
    # Code is in the image.
    stored = google.bucket.find("artifacts")
    assert not [path for path in stored if "code" in path or path.endswith(".tar.gz")]
    assert google.vertex.others == []


GATES = {"gates", "require_success", "require_promotion"}


def test_light_nodes_of_a_pipeline_share_a_container(google: Cloud, production: Production) -> None:
    chain = ["prepare", "tune", "train", "evaluate", "forecast", "gates"]
    tasks = tasks_of(google.vertex.jobs[production.whole])
    assert {name: task.after for name, task in tasks.items()} == {
        name: frozenset(chain[i - 1 : i] if i else []) for i, name in enumerate(chain)
    }
    weekly = tasks_of(google.vertex.jobs[production.weekly])
    assert {name: task.after for name, task in weekly.items()} == {
        "prepare": frozenset(),
        "forecast": {"prepare"},
    }


def test_a_refresh_is_one_job_on_mondays_that_monitors_before_it_trains_and_ends_with_the_gates(
    production: Production,
) -> None:
    assert production.refresh["cron"] == "0 5 * * 1"
    tasks = tasks_of(production.refresh["createPipelineJobRequest"]["pipelineJob"])
    # What monitor finds is in the first step of forecast, what trains in refresh.
    chain = ["prepare", "forecast", "refresh", "forecast-2", "gates"]
    assert {name: task.after for name, task in tasks.items()} == {
        name: frozenset(chain[i - 1 : i] if i else []) for i, name in enumerate(chain)
    }


def test_what_is_heavy_is_n_executors_joined_before_what_depends_on_them(
    google: Cloud, production: Production
) -> None:
    tune = tasks_of(google.vertex.jobs[production.tune])
    assert {name: task.after for name, task in tune.items()} == {
        **dict.fromkeys(sharded(FOLDS, 2), frozenset()),
        "tune.weigh_families": sharded(FOLDS, 2),
    }
    whole = tasks_of(google.vertex.jobs[production.sharded])
    searches, folds = sharded("tune.search_orders", 3), sharded(FOLDS, 3)
    fits = {name: sharded(f"train.{name}.fit_titles", 3) for name in FITS}
    known = sharded("evaluate.forecast_known_weeks", 3)
    compared = sharded("evaluate.forecast_with_champion", 3)
    for names, after in (
        (searches, {"tune"}),
        ({"tune.search_orders-all-of-3"}, searches),
        (folds, {"tune.search_orders-all-of-3"}),
        ({"tune.weigh_families"}, folds),
        (fits["training"] | fits["release"] | fits["champion"], {"train"}),
        ({"train-2"}, fits["training"] | fits["release"]),
        ({"train.training.fit_titles-all-of-3"}, fits["training"]),
        (known, {"train.training.fit_titles-all-of-3"}),
        ({"train.champion.fit_titles-all-of-3"}, fits["champion"]),
        (compared, {"train.champion.fit_titles-all-of-3"}),
        ({"evaluate"}, known | compared | {"train-2"}),
    ):
        for name in names:
            assert whole[name].after == after, name
    every = searches | folds | known | compared | fits["training"] | fits["release"]
    every |= fits["champion"]
    assert {name for name in whole if re.search(r"-\d-of-3$", name)} == every
    # The machine of a few titles; a barrier needs none.
    for name, task in whole.items():
        given = task.container.get("resources", {})
        size = (None, None) if "-all-of-" in name else (2.0, 8.0)
        assert (given.get("cpuLimit"), given.get("memoryLimit")) == size, name


FITS = ("training", "release", "champion")


def sharded(node: str, count: int) -> set[str]:
    return {f"{node}-{k}-of-{count}" for k in range(1, count + 1)}


def test_all_pipelines_run_in_containers_and_write_to_the_bucket(
    google: Cloud, production: Production
) -> None:
    for job_id in (production.whole, production.tune):
        outcome = production.outcomes[job_id]
        assert outcome.succeeded, outcome.failures()
        assert_completed(google, job_id, outcome, attempts=1)
    written = {path.split("/")[1] for path in google.bucket.find("books")}
    assert written == {
        *("01_raw", "02_intermediate", "03_primary", "05_model_input", "06_models"),
        *("07_model_output", "08_reporting"),
    }
    assert set((ROOT / "data").rglob("*")) == production.local
    forecasts = pd.read_parquet(google.bucket.open("books/07_model_output/forecasts.parquet"))
    assert (forecasts.groupby("isbn")["week"].count() == 32).all()
    assert forecasts["isbn"].nunique() == TITLES
    parts = [
        path.rpartition("/")[2] for path in google.bucket.find("books/06_models/fold_forecasts")
    ]
    assert {"0001-of-0002.parquet", "0002-of-0002.parquet"} <= set(parts)


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
