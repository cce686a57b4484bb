"""`kedro release deploy`, as it is typed, as far as it goes without Google."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from book_forecast.cli.releases import release as commands
from book_forecast.releases.store import ReleaseStore
from tests.mlflow_stores import empty_store
from tests.releases import payloads

Typed = Callable[..., str]


@pytest.fixture
def store(tmp_path) -> ReleaseStore:
    return ReleaseStore(str(tmp_path / "06_models/releases"))


@pytest.fixture
def typed(project_path, tmp_path, monkeypatch) -> Typed:
    """The last line of what the command says."""
    for name in ("PROJECT", "IMAGE", "REGION", "SERVICE_ACCOUNT", "SERVING_ACCOUNT"):
        monkeypatch.delenv(f"BOOK_FORECAST_{name}", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", empty_store(tmp_path))
    monkeypatch.chdir(project_path)
    bootstrap_project(project_path)

    def call(*arguments: str) -> str:
        line = ["deploy", *arguments, "--project", "books", "--image", "x:1"]
        done = CliRunner().invoke(commands, [*line, "--data-root", str(tmp_path)])
        assert isinstance(done.exception, SystemExit)
        return done.stderr.splitlines()[-1]

    return call


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--endpoint", "b", "--service", "b"], "Error: --service is not for --to vertex"),
        (["--to", "cloud-run", "--machine-type", "x"], "Error: --machine-type is not for --to cl"),
        (["--to", "cloud-run"], "Error: --service is missing"),
        ([], "Error: --endpoint is missing"),
        (["--to", "cloud-run", "--service", "Books"], "Error: --service: String should match"),
        (["--to", "elsewhere"], "Error: Invalid value for '--to'"),
        (["--to", "cloud-run", "--service", "b"], "/06_models/releases is not in a bucket"),
    ],
)
def test_what_does_not_go_together_is_refused(typed, arguments, words):
    assert words in typed(*arguments)


def test_a_refused_deployment_keeps_no_release(typed, store):
    payload = payloads.release()
    store.save(payload)
    said = typed(payload.release, "--to", "cloud-run", "--service", "books")
    assert "is not in a bucket, so Cloud Run cannot read it" in said
    assert not Path(store.root, "kept").exists()
