"""The git revision of the code."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

REVISION_VARIABLE = "BOOK_FORECAST_REVISION"


def revision(project: Path, variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return MLflow tags of the code's git revision; none if it is unknown.

    Args:
        project: The project's folder.
        variables: Environment variables; ``BOOK_FORECAST_REVISION`` replaces git in an image.
    """
    commit = _git(project, "rev-parse", "HEAD")
    if commit is None:
        given = variables.get(REVISION_VARIABLE)
        return {"mlflow.source.git.commit": given} if given else {}
    branch = _git(project, "rev-parse", "--abbrev-ref", "HEAD") or "HEAD"
    changed = _git(project, "status", "--porcelain", "--untracked-files=no")
    return {
        "mlflow.source.git.commit": commit,
        "mlflow.source.git.branch": branch,
        "git.uncommitted_changes": str(bool(changed)).lower(),
    }


def _git(project: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(project), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
