"""The git revision of the code, from git or from the image's variable."""

import subprocess

from book_forecast.storage.revision import revision


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.org"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def test_the_revision_is_the_commit_and_whether_files_have_changed(tmp_path):
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
