"""Secrets are hidden in logged values; the git revision is logged where it is available."""

import subprocess

import pytest

from book_forecast.storage.revision import revision
from book_forecast.tracking import records


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgresql://ann:pw@host/db", "postgresql://***@host/db"),
        ("https://host/path?token=abc&x=1", "https://host/path?token=***&x=1"),
        ("https://b/o?X-Goog-Signature=abc", "https://b/o?X-Goog-Signature=***"),
        ("gs://bucket/data", "gs://bucket/data"),
        ("data", "data"),
        ([80, 95], "80, 95"),
        ("a@b.org", "a@b.org"),
    ],
)
def test_secrets_in_addresses_are_hidden(value, shown):
    assert records.text(value) == shown


@pytest.mark.parametrize("name", ["password", "api_key", "gcs.credentials", "AUTH_TOKEN"])
def test_secrets_by_name_are_hidden(name):
    assert records.parameters({name: "hunter2"}) == {name: "***"}


def test_a_long_text_is_cut_to_a_length_that_mlflow_takes():
    assert len(records.text("x" * 10_000)) == records.MAX_VALUE_LENGTH
    assert records.text("x" * 500) == "x" * 500


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.org"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def test_the_revision_is_the_commit_and_says_whether_files_have_changed(tmp_path):
    git(tmp_path, "init", "-b", "main")
    (tmp_path / "a.py").write_text("1\n")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "-m", "one")
    tags = revision(tmp_path, {})
    assert tags["mlflow.source.git.commit"] == git(tmp_path, "rev-parse", "HEAD")
    assert tags["mlflow.source.git.branch"] == "main"
    assert tags["git.uncommitted_changes"] == "false"
    (tmp_path / "a.py").write_text("2\n")
    assert revision(tmp_path, {})["git.uncommitted_changes"] == "true"


def test_without_git_the_revision_is_the_image_s_variable_or_nothing(tmp_path):
    assert revision(tmp_path, {}) == {}
    assert revision(tmp_path, {"BOOK_FORECAST_REVISION": "abc"}) == {
        "mlflow.source.git.commit": "abc"
    }
