"""Releases in MLflow's registry, which may be away."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import pytest

from book_forecast.releases.promotion import promote
from book_forecast.releases.promotion_log import ChampionChangedError
from book_forecast.releases.publishing import publish, synchronise
from book_forecast.releases.registry import RegistryError, ReleaseRegistry, model_name
from book_forecast.releases.store import ReleaseStore
from tests.mlflow_stores import empty_store
from tests.releases import payloads

AWAY = ReleaseRegistry("http://127.0.0.1:9", "books")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A registry in a file; MLflow's own settings are put back at the end."""
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    registry = ReleaseRegistry(empty_store(folder), "books")
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
    release = payloads.saved(store, seed=1)
    publish(store, registry, release, Path.cwd())
    return store, release


def alias(registry: ReleaseRegistry) -> str | None:
    """The release that MLflow's alias names."""
    client = mlflow.MlflowClient(registry.uri)
    try:
        return client.get_model_version_by_alias(registry.model, "champion").tags["release"]
    except mlflow.MlflowException:
        return None


def test_a_release_is_one_version_without_an_alias(published, registry):
    store, release = published
    assert store.releases() == [release]
    assert release in registry.versions()
    assert alias(registry) is None
    manifest = store.manifest(release)
    assert {"python", "numpy", "mlflow"} <= set(manifest["versions"])
    assert manifest["data"] == "0123"


def test_registering_it_again_makes_no_second_version(published, registry):
    store, _ = published
    before = registry.versions()
    assert synchronise(store, registry) == ([], [])
    assert registry.versions() == before


def test_the_lineage_of_a_release_is_noted_once(store, registry):
    release = payloads.saved(store, seed=2)
    assert "revision" not in store.manifest(release)
    with mlflow.start_run() as run:
        publish(store, registry, release, Path.cwd())
    with mlflow.start_run():
        publish(store, registry, release, Path.cwd())
    assert store.manifest(release)["mlflow_run"] == run.info.run_id
    assert "revision" in store.manifest(release)


@pytest.mark.parametrize(
    ("root", "name"),
    [
        ("gs://books/uk/2024", "book_forecast-2024-92e7880f"),
        ("gs://books/uk/2024/", "book_forecast-2024-92e7880f"),
        ("gs://books/us/2024", "book_forecast-2024-"),
        ("gs://Books & Co", "book_forecast-books-co-"),
    ],
)
def test_a_registered_model_is_named_after_its_data_root(root, name):
    assert model_name(root, Path("/nowhere")).startswith(name)


def test_two_data_roots_never_share_a_registered_model(tmp_path):
    roots = [tmp_path / "one/data", tmp_path / "two/data"]
    for root in roots:
        root.mkdir(parents=True)
    names = {model_name(str(root), tmp_path) for root in roots}
    assert len(names) == 2
    assert model_name("one/data", tmp_path) in names
    (tmp_path / "link").symlink_to(roots[1])
    assert model_name("link", tmp_path) in names


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
sums = model.predict(
    pd.DataFrame({"isbn": [sys.argv[3]]}),
    params={"horizon": 3, "levels": [80.0], "cumulative": True},
)
assert sums["cumulative-mean"].iloc[-1] == sums["mean"].sum(), sums
assert (sums["cumulative-lo-80"] < sums["cumulative-mean"]).all(), sums
assert (sums["cumulative-mean"] < sums["cumulative-hi-80"]).all(), sums
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


def test_a_registry_that_is_away_costs_nothing_and_is_repaired_later(store, registry, caplog):
    release = payloads.saved(store, seed=3)
    publish(store, AWAY, release, Path.cwd())
    assert "run `kedro release sync` later" in caplog.text
    assert len(store.read(release)) == 3
    promote(store, AWAY, release, action="promote", why="good", before=None)
    assert store.champion() == release
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:9 does not answer"):
        AWAY.versions()

    assert synchronise(store, registry) == ([release], [])
    assert alias(registry) == release
    client = mlflow.MlflowClient(registry.uri)
    version = client.get_model_version(registry.model, str(registry.versions()[release]))
    run = client.get_run(str(version.run_id))
    assert run.info.run_name == f"release {release}"
    assert client.get_experiment(run.info.experiment_id).name == "book_forecast"
    assert Path(registry.uri.removeprefix("sqlite:///")).parent.as_uri() in run.info.artifact_uri


def test_a_server_that_goes_away_within_the_run_costs_no_release(store, registry):
    release = payloads.saved(store, seed=4)
    with mlflow.start_run() as run:
        publish(store, AWAY, release, Path.cwd())
    assert store.manifest(release)["mlflow_run"] == run.info.run_id
    assert synchronise(store, registry) == ([release], [])
    version = registry.versions()[release]
    found = mlflow.MlflowClient(registry.uri).get_model_version(registry.model, str(version))
    assert found.run_id == run.info.run_id


def test_an_alias_that_lags_behind_is_repaired(store, registry):
    first, second = (payloads.saved(store, n) for n in (5, 6))
    synchronise(store, registry)
    promote(store, registry, first, action="promote", why="x", before=None)
    # MLflow is away when the second one is promoted.
    promote(store, AWAY, second, action="promote", why="x", before=first)
    assert alias(registry) == first
    assert synchronise(store, registry) == ([], [])
    assert alias(registry) == second


def test_whoever_is_made_champion_last_has_the_alias(store, registry):
    releases = [payloads.saved(store, n) for n in range(7, 10)]
    synchronise(store, registry)

    def promoted(release: str) -> bool:
        try:
            before = store.champion()
            promote(store, registry, release, action="promote", why="race", before=before)
        except ChampionChangedError:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        won = list(pool.map(promoted, releases))
    assert any(won)
    assert alias(registry) == store.champion()
    assert [record.number for record in store.promotions()] == list(range(1, sum(won) + 1))
