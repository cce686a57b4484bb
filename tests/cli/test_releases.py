"""`kedro release`, as it is typed."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest
import yaml
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from book_forecast.cli.releases import release as commands
from book_forecast.releases.assembly import new_release
from book_forecast.releases.store import ReleaseStore
from tests.mlflow_stores import empty_store
from tests.releases import payloads

Typed = Callable[..., str]


@pytest.fixture
def store(tmp_path):
    return ReleaseStore(str(tmp_path / "data/06_models/releases"))


@pytest.fixture
def releases(store):
    """Two releases that MLflow does not have; the second is the candidate."""
    about = {"data": "0123", "scores": {"test_wape": 0.25, "n_titles": 3.0}}
    made = []
    for n in range(2):
        payload = new_release(payloads.tables(seed=n), {**about, "fingerprint": f"{n}" * 8})
        store.save(payload)
        made.append(payload.release)
    store.point("candidate", made[-1])
    return made


@pytest.fixture
def typed(project_path, tmp_path, monkeypatch) -> Iterator[Typed]:
    """What a command says; one that fails says why."""
    before = mlflow.get_tracking_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", empty_store(tmp_path))
    monkeypatch.setenv("BOOK_FORECAST_USER", "ann")
    monkeypatch.chdir(project_path)
    bootstrap_project(project_path)

    def call(*arguments: str) -> str:
        line = [*arguments, "--data-root", str(tmp_path / "data")]
        done = CliRunner().invoke(commands, line)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return (done.stdout if done.exit_code == 0 else done.stderr.splitlines()[-1]).strip()

    yield call
    mlflow.set_tracking_uri(before)


def test_a_release_is_promoted_rolled_back_and_pinned_in_a_command_each(typed, releases, store):
    first, second = releases
    assert typed("promote", first) == f"Champion is {first} (was none)."
    assert typed("promote") == f"Champion is {second} (was {first})."
    assert typed("rollback", "--why", "too low") == f"Champion is {first} (was {second})."
    assert typed("pin", second[-8:]) == f"Champion is {second} (was {first})."
    typed("pin", "--off")
    made = [(record.action, record.release, record.why) for record in store.promotions()]
    assert made == [
        ("promote", first, "by hand"),
        ("promote", second, "by hand"),
        ("rollback", first, "too low"),
        ("pin", second, "by hand"),
        ("unpin", second, "by hand"),
    ]


def test_single_titles_are_rolled_back_by_any_way_to_write_their_isbn(typed, releases, store):
    first, second = releases
    typed("promote", first)
    typed("promote", second)
    isbn = payloads.isbn(1)
    typed("rollback", "--isbn", f"{isbn[:3]}-{isbn[3:]}")
    champion = store.champion()
    assert champion not in releases
    assert store.manifest(champion)["partial_rollback"]["isbns"] == [isbn]
    assert typed("rollback", "--isbn", "97").startswith("Error: --isbn: ")
    assert store.champion() == champion


def test_the_list_shows_all_releases_and_every_change(typed, releases):
    first, second = releases
    typed("promote", first, "--why", "looked right")
    lines = typed("list").splitlines()
    shown = {line.split()[0]: line for line in lines[:2]}
    assert shown.keys() == set(releases)
    assert shown[first].endswith("3 titles  WAPE 0.250  champion")
    assert shown[second].endswith("3 titles  WAPE 0.250  candidate")
    assert lines[2].endswith(f"promote   none -> {first}  ann: looked right")


def test_show_tells_what_a_release_is(typed, releases):
    shown = yaml.safe_load(typed("show", "candidate"))
    assert shown["release"] == releases[1]
    assert shown["models"] == {"sarima": 2, "seasonal_naive": 1}
    assert shown["scores"] == {"test_wape": 0.25}
    assert shown["data"] == "0123"
    assert shown["versions"]["book_forecast"]


def test_compare_says_that_there_is_nothing_newer_yet(typed, releases):
    typed("promote", releases[0])
    said = typed("compare", "candidate", "champion")
    assert "3 titles in both, 0 of them with another specification" in said


def test_sync_registers_what_mlflow_has_not_heard_of(typed, releases):
    typed("promote", releases[0])
    said = typed("sync").splitlines()
    assert set(said[:-1]) == {f"Registered {name}" for name in releases}
    assert said[-1] == f"2 releases registered; the champion is {releases[0]}."
    assert typed("sync").startswith("0 releases registered")
    shown = [yaml.safe_load(typed("show", version)) for version in ("1", "2")]
    assert {shown[0]["release"], shown[1]["release"]} == set(releases)


def test_without_a_champion_there_is_nothing_to_show(typed):
    assert typed("show") == (
        "Error: There is no champion yet: run the train and evaluate pipelines."
    )


@pytest.mark.parametrize(
    ("typed_name", "meant"), [("champoin", "champion"), ("candidat", "candidate")]
)
def test_a_release_that_is_misspelt_is_guessed(typed, releases, typed_name, meant):
    assert typed("show", typed_name).startswith(
        f"Error: No release matches '{typed_name}': did you mean {meant}?"
    )


def test_a_damaged_release_is_shown_as_such_and_hinders_no_other(typed, releases, store):
    first, second = releases
    (store.local_folder(first) / "manifest.json").write_text("{")
    lines = typed("list").splitlines()
    assert [line.split()[0] for line in lines] == sorted(releases, reverse=True)
    assert sum("DAMAGED: " in line for line in lines) == 1
    assert typed("show", first).startswith("Error: ")
    assert typed("promote", second) == f"Champion is {second} (was none)."
    assert f"Registered {second}" in typed("sync").splitlines()


def test_a_damaged_record_is_named(typed, releases, store):
    typed("promote")
    (path,) = Path(store.root, "changes").glob("*.json")
    path.write_text("{")
    assert typed("show").startswith(f"Error: {path} is damaged")


def test_before_the_first_release_the_list_says_so(typed, store):
    assert typed("list") == f"There are no releases in {store.root} yet."


def test_a_pin_is_taken_off_whatever_is_champion(typed, releases):
    typed("pin", releases[0])
    assert "leave out" in typed("pin", releases[1], "--off")
    assert typed("pin", "--off") == f"Champion is {releases[0]} (was {releases[0]})."


def test_a_challenger_serves_a_share_and_is_taken_back_in_a_command_each(typed, releases, store):
    first, second = releases
    assert typed("arms").startswith("There is no champion")
    typed("promote", first)
    assert typed("withdraw").startswith("Error: No release challenges the champion")
    assert typed("challenge", "candidate", "--share", "0.2").startswith(
        f"{second} answers for 20.0% of the titles, {first} for the others."
    )
    assert "challenger" in typed("list").splitlines()[0]
    shown = typed("arms").splitlines()
    assert shown[0].split() == ["champion", first, "80.0%", "of", "the", "titles"]
    assert shown[1].split()[:3] == ["challenger", second, "20.0%"]
    assert shown[2].endswith("not compared yet: the pipeline monitor does")
    typed("challenge", "challenger", "--share", "0.5", "--why", "more")
    assert typed("withdraw", "--why", "too high").startswith(f"{second} is taken back")
    assert store.challenge() is None
    assert [line.split()[2:] for line in typed("arms").splitlines()[1:]] == [
        ["20.0%", second, "ann:", "by", "hand"],
        ["50.0%", second, "ann:", "more"],
        ["withdrawn", second, "ann:", "too", "high"],
    ]
    typed("challenge", second)
    assert typed("promote", "challenger") == f"Champion is {second} (was {first})."
    assert store.challenge() is None


def test_a_challenger_without_its_folder_is_shown_as_missing(typed, releases, store):
    first, second = releases
    typed("promote", first)
    typed("challenge", second)
    shutil.rmtree(store.location(second))
    assert "MISSING" in typed("arms")
    typed("withdraw")
    assert typed("challenge", second[-8:]).startswith("Error: No release matches")
    assert typed("challenge", first).endswith("challenge it with another release.")
