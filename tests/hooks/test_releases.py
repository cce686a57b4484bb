"""What follows from a candidate, its scores and a verdict that are saved."""

from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
from kedro.io import DataCatalog, MemoryDataset

from book_forecast.datasets.releases import ReleaseDataset
from book_forecast.hooks.releases import ReleaseHooks
from book_forecast.payload.contents import Payload
from book_forecast.releases.assembly import with_scores
from book_forecast.releases.challenging import start_challenge
from book_forecast.releases.gates import Gate, Verdict
from book_forecast.releases.promotion import promote
from book_forecast.releases.registry import ReleaseRegistry
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError
from tests.mlflow_stores import empty_store
from tests.releases import payloads

AWAY = ReleaseRegistry("http://127.0.0.1:9", "books")


def hooks_of(root: str, uri: str) -> ReleaseHooks:
    """Hooks of a session with a store and a registry."""
    settings = SimpleNamespace(
        server=SimpleNamespace(mlflow_tracking_uri=uri),
        tracking=SimpleNamespace(experiment=SimpleNamespace(name="books")),
    )
    context = SimpleNamespace(
        project_path=Path.cwd(),
        mlflow=settings,
        config_loader={"parameters": {"data_root": root, "registered_model": "books"}},
    )
    hooks = ReleaseHooks()
    hooks.after_context_created(context)  # type: ignore[arg-type]
    entry = ReleaseDataset(filepath=f"{root}/releases", release="candidate")
    hooks.after_catalog_created(DataCatalog({"candidate": entry}))
    return hooks


@pytest.fixture
def hooks(tmp_path):
    """Hooks of a session for which MLflow does not answer."""
    return hooks_of(str(tmp_path), AWAY.uri)


@pytest.fixture
def store(tmp_path):
    return ReleaseStore(str(tmp_path / "releases"))


def made(store: ReleaseStore, seed: int = 0) -> str:
    release = payloads.saved(store, seed)
    store.point("candidate", release)
    return release


def verdict(release: str, champion: str | None, *, passed: bool = True) -> dict:
    gate = Gate(name="fallbacks", status="passed" if passed else "failed", reason="0.5")
    promoted = passed or champion is None
    found = Verdict(release=release, champion=champion, promote=promoted, gates=(gate,))
    return found.model_dump(mode="json")


def judged(hooks: ReleaseHooks, *arguments: str | None, passed: bool = True) -> None:
    hooks.after_dataset_saved("promotion", verdict(*arguments, passed=passed))  # type: ignore[arg-type]


def scored(payload: Payload) -> Payload:
    table = payloads.tables()["scores"].append_column("isbn", payload.titles["isbn"])
    return with_scores(payload, table, {"test_wape": 0.25})


def alias(registry: ReleaseRegistry, name: str) -> str:
    """The version that an alias names."""
    client = mlflow.MlflowClient(registry.uri)
    return str(client.get_model_version_by_alias(registry.model, name).version)


def test_a_candidate_is_registered_and_its_scores_become_tags(tmp_path, store):
    before = mlflow.get_tracking_uri()
    registry = ReleaseRegistry(empty_store(tmp_path), "books")
    hooks = hooks_of(str(tmp_path), registry.uri)
    try:
        release = made(store)
        hooks.after_dataset_saved("candidate", store.read(release))
        assert list(registry.versions()) == [release]
        assert "revision" in store.manifest(release)
        hooks.after_dataset_saved("scored_candidate", scored(store.read(release)))
        version = mlflow.MlflowClient(registry.uri).get_model_version("books", "1")
        assert version.tags["score.test_wape"] == "0.25"
        assert str(version.description).endswith("; WAPE 0.250; 1 with a fallback")
        assert alias(registry, "candidate") == "1"
        judged(hooks, release, None)
        tags = mlflow.MlflowClient(registry.uri).get_model_version("books", "1").tags
        assert tags["gates"] == "passed"
        assert len(tags) <= 8
        assert store.champion() == release
        assert alias(registry, "champion") == "1"
        # The same candidate again makes no second version.
        hooks.after_dataset_saved("candidate", store.read(release))
        assert registry.versions() == {release: 1}
        # A refused candidate is the candidate, and the champion stays.
        other = made(store, seed=2)
        hooks.after_dataset_saved("candidate", store.read(other))
        judged(hooks, other, release, passed=False)
        assert (alias(registry, "candidate"), alias(registry, "champion")) == ("2", "1")
        tags = mlflow.MlflowClient(registry.uri).get_model_version("books", "2").tags
        assert tags["gates"] == "failed: fallbacks"
    finally:
        mlflow.set_tracking_uri(before)


def test_without_mlflow_a_run_goes_on_with_warnings(hooks, store, caplog):
    release = made(store)
    hooks.after_dataset_saved("candidate", store.read(release))
    hooks.after_dataset_saved("scored_candidate", scored(store.read(release)))
    judged(hooks, release, None)
    assert store.champion() == release
    for text in ("is not registered", "are not in MLflow", "alias is not set"):
        assert text in caplog.text


def test_a_candidate_that_is_the_champion_again_is_no_new_release(hooks, store, caplog):
    release = made(store)
    judged(hooks, release, None)
    manifest = store.manifest(release)
    hooks.after_dataset_saved("candidate", store.read(release))
    judged(hooks, release, release)
    assert f"{release} is champion already" in caplog.text
    assert len(store.promotions()) == 1
    assert store.manifest(release) == manifest


def test_a_verdict_makes_the_candidate_champion(hooks, store):
    first = made(store)
    judged(hooks, first, None)
    second = made(store, 1)
    judged(hooks, second, first)
    assert store.champion() == second
    assert [record.why for record in store.promotions()] == ["passed all gates"] * 2


def test_the_first_release_of_all_is_promoted_with_a_warning(hooks, store, caplog):
    first = made(store)
    judged(hooks, first, None, passed=False)
    assert store.champion() == first
    assert "the first release of all, though it failed fallbacks" in caplog.text


def test_a_candidate_that_failed_leaves_the_champion(hooks, store, caplog):
    first, second = made(store), made(store, 1)
    judged(hooks, first, None)
    judged(hooks, second, first, passed=False)
    assert store.champion() == first
    assert f"{second} is not promoted: it failed fallbacks" in caplog.text


def test_a_pinned_champion_stays_whatever_a_person_does_until_the_pin_is_off(hooks, store, caplog):
    first, second, third = (made(store, seed) for seed in range(3))
    promote(store, AWAY, first, action="pin", why="x", before=None)
    judged(hooks, second, first)
    assert store.champion() == first
    assert f"{first} is pinned: {second} is not promoted" in caplog.text
    promote(store, AWAY, third, action="rollback", why="x", before=first)
    judged(hooks, second, third)
    assert store.champion() == third
    promote(store, AWAY, first, action="unpin", why="x", before=third)
    judged(hooks, second, first)
    assert store.champion() == second


def test_a_verdict_that_another_run_has_acted_on_is_no_error(hooks, store):
    first, second = made(store), made(store, 1)
    judged(hooks, first, None)
    for _ in range(2):
        judged(hooks, second, first)
    assert len(store.promotions()) == 2


def test_a_verdict_against_a_champion_that_has_changed_is_refused(hooks, store):
    first, second, third = (made(store, seed) for seed in range(3))
    judged(hooks, first, None)
    judged(hooks, second, first)
    with pytest.raises(UserError, match=f"The champion is {second} by now, not {first}"):
        judged(hooks, third, first)
    assert store.champion() == second


def test_other_datasets_and_other_catalogs_are_left_alone(store):
    release = made(store)
    hooks = ReleaseHooks()
    hooks.after_dataset_saved("promotion", verdict(release, None))
    hooks.after_catalog_created(DataCatalog({"candidate": MemoryDataset()}))
    hooks.after_dataset_saved("promotion", verdict(release, None))
    hooks.after_dataset_saved("forecasts", None)
    assert store.champion() is None


def lost(store: ReleaseStore, verdict: str = "lose") -> dict[str, object]:
    """What monitor says of a challenge that runs."""
    running = store.challenge()
    assert running is not None
    found = {"test": running.test, "challenger": running.release, "message": "worse by 9 %"}
    return found | {"verdict": verdict}


def test_a_loser_is_taken_back_where_the_parameter_says_so(hooks, store, caplog):
    first, second = made(store), made(store, 1)
    judged(hooks, first, None)
    start_challenge(store, second, 0.2, "x")
    parameters = hooks._context.config_loader["parameters"]
    hooks.after_dataset_saved("arm_test", lost(store))
    assert store.challenge() is not None
    parameters["monitor"] = {"withdraw_loser": True}
    for verdict in ("win", "go on"):
        hooks.after_dataset_saved("arm_test", lost(store, verdict))
        assert store.challenge() is not None
    found = lost(store)
    hooks.after_dataset_saved("arm_test", found)
    assert store.challenge() is None
    last = store.challenges.last()
    assert (last.outcome, last.why) == ("lost", "worse by 9 %")
    hooks.after_dataset_saved("arm_test", found)
    assert len(store.challenges.entries()) == 2
    # What was found of one test ends no other.
    start_challenge(store, second, 0.2, "again")
    hooks.after_dataset_saved("arm_test", found)
    assert store.challenge() is not None
