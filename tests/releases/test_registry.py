"""Releases in MLflow's registry, which may be away."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from book_forecast.releases.draft import Draft
from book_forecast.releases.promotion import champion_of, crown, follow
from book_forecast.releases.publishing import add_scores, publish, synchronise
from book_forecast.releases.registry import Registry, RegistryError
from book_forecast.releases.store import ReleaseStore
from tests.releases import payloads

AWAY = "http://127.0.0.1:9"


def draft(**options: int) -> Draft:
    tables = payloads.tables(**options)
    tables.pop("scores")
    return Draft(tables, {"data": "0123"})


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A registry in a file; MLflow's own settings are put back at the end."""
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    registry = Registry(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_tracking_uri(registry.uri)
    registry.versions()
    yield registry
    mlflow.set_tracking_uri(before)


@pytest.fixture
def store(tmp_path):
    return ReleaseStore(str(tmp_path / "releases"))


@pytest.fixture(scope="module")
def published(registry, tmp_path_factory):
    """A store with one release, and its id."""
    store = ReleaseStore(str(tmp_path_factory.mktemp("published") / "releases"))
    return store, publish(store, registry, draft(), Path.cwd())


def test_a_release_is_one_version_without_an_alias(published, registry):
    store, release = published
    assert store.releases() == [release]
    assert store.candidate() == release
    assert release in registry.versions()
    assert registry.champion() is None
    manifest = store.manifest(release)
    assert {"python", "numpy", "mlflow"} <= set(manifest["versions"])
    assert manifest["data"] == "0123"


def test_registering_it_again_makes_no_second_version(published, registry):
    store, _ = published
    before = registry.versions()
    assert synchronise(store, registry) == ([], [])
    assert registry.versions() == before


def test_a_step_that_is_tried_again_publishes_no_second_release(store, registry):
    with mlflow.start_run():
        first = publish(store, registry, draft(), Path.cwd())
        assert publish(store, registry, draft(), Path.cwd()) == first
        other = publish(store, registry, draft(seed=1), Path.cwd())
    with mlflow.start_run():
        of_another_run = publish(store, registry, draft(seed=1), Path.cwd())
    assert len({first, other, of_another_run}) == 3
    assert set(store.releases()) == {first, other, of_another_run}


PLAIN = """
import json, sys
import mlflow
import pandas as pd

mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
answer = model.predict(
    pd.DataFrame({"isbn": sys.argv[3:]}), params={"horizon": 3, "levels": [50.0, 95.0]}
)
for asked, params in (("9780000000002", {}), (sys.argv[3], {"horizon": 105})):
    try:
        model.predict(pd.DataFrame({"isbn": [asked]}), params=params)
    except Exception as error:
        print(error)
print(json.dumps([answer.columns.tolist(), len(answer), answer["release"][0],
    [name for name in sys.modules if name.split(".")[0] == "book_forecast"]]))
"""


def test_mlflow_alone_answers_out_of_it_without_pickle_and_without_this_project(
    published, registry, tmp_path
):
    _, release = published
    version = registry.versions()[release]
    done = subprocess.run(
        [
            *(sys.executable, "-c", PLAIN, registry.uri, f"models:/{registry.model}/{version}"),
            *(payloads.isbn(2), payloads.isbn(0)),
        ],
        cwd=tmp_path,
        env=os.environ | {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert f"The release {release} has no title 9780000000002." in done.stdout
    assert "horizon is 105: it must be 1 to 104 weeks." in done.stdout
    columns, rows, said, ours = json.loads(done.stdout.splitlines()[-1])
    expected = ["isbn", "week", "cutoff", "release", "model", "mean", "lo-50", "hi-50"]
    assert columns == [*expected, "lo-95", "hi-95"]
    assert (rows, said, ours) == (6, release, [])


def test_a_registry_that_is_away_costs_nothing_and_is_told_later(store, registry, caplog):
    release = publish(store, Registry(AWAY), draft(), Path.cwd())
    assert "`kedro release sync` does it" in caplog.text
    assert len(store.read(release)) == 3
    crown(store, Registry(AWAY), release, action="promote", why="good", before=None)
    assert champion_of(store, Registry(AWAY)) == release
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:9 does not answer"):
        Registry(AWAY).versions()

    assert synchronise(store, registry) == ([release], [])
    assert registry.champion() == release
    client = mlflow.MlflowClient(registry.uri)
    version = client.get_model_version(registry.model, str(registry.versions()[release]))
    run = client.get_run(str(version.run_id))
    assert run.info.run_name == f"release {release}"
    assert client.get_experiment(run.info.experiment_id).name == "book_forecast"
    assert Path(registry.uri.removeprefix("sqlite:///")).parent.as_uri() in run.info.artifact_uri


def test_a_server_that_goes_away_within_the_run_costs_no_release(store, registry):
    with mlflow.start_run() as run:
        mlflow.set_tracking_uri(AWAY)
        try:
            release = publish(store, Registry(AWAY), draft(), Path.cwd())
        finally:
            mlflow.set_tracking_uri(registry.uri)
    assert store.manifest(release)["mlflow_run"] == run.info.run_id
    assert synchronise(store, registry) == ([release], [])
    version = registry.versions()[release]
    told = mlflow.MlflowClient(registry.uri).get_model_version(registry.model, str(version))
    assert told.run_id == run.info.run_id


def test_scores_are_added_to_the_release_in_its_own_order(published, registry):
    store, release = published
    isbns = [payloads.isbn(n) for n in (2, 0, 1)]
    columns = ("wape", "mase", "seasonal_naive_wape", "seasonal_naive_mase")
    frame = pd.DataFrame({"isbn": isbns} | {name: [0.2, 0.0, 0.1] for name in columns})
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    add_scores(store, registry, release, table, {"test_wape": 0.1})
    payload = store.read(release)
    assert payload.scores is not None
    assert payload.scores["wape"].to_pylist() == [0.0, 0.1, 0.2]
    assert payload.manifest["scores"] == {"test_wape": 0.1}
    client = mlflow.MlflowClient(registry.uri)
    version = client.get_model_version(registry.model, str(registry.versions()[release]))
    assert version.tags["score.test_wape"] == "0.1"


def test_an_alias_that_somebody_sets_by_hand_counts_and_one_that_lags_behind_does_not(
    store, registry
):
    first, second = (publish(store, registry, draft(seed=n), Path.cwd()) for n in (1, 2))
    crown(store, registry, first, action="promote", why="x", before=champion_of(store, registry))
    # MLflow is away when the second one is made champion.
    crown(store, Registry(AWAY), second, action="promote", why="x", before=first)
    assert registry.champion() == first
    assert champion_of(store, registry) == second
    follow(store, registry)
    assert registry.champion() == second
    client = mlflow.MlflowClient(registry.uri)
    version = registry.versions()[first]
    client.set_registered_model_alias(registry.model, "champion", str(version))
    assert champion_of(store, registry) == first


def test_whoever_is_made_champion_last_has_the_alias(store, registry):
    releases = [publish(store, registry, draft(seed=n), Path.cwd()) for n in range(3)]

    def promote(release: str) -> bool:
        from book_forecast.releases.promotion_log import ChampionChangedError

        try:
            before = champion_of(store, registry)
            crown(store, registry, release, action="promote", why="race", before=before)
        except ChampionChangedError:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        won = list(pool.map(promote, releases))
    assert any(won)
    assert registry.champion() == store.champion() == champion_of(store, registry)
    assert [change.number for change in store.promotions()] == list(range(1, sum(won) + 1))
