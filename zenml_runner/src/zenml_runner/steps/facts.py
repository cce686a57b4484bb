"""What ZenML shows of a step beside its datasets: its parameters; and the commit of the code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zenml_runner.git import ask_git
from zenml_runner.redaction import without_secrets

# ZenML stores 64 KB under a key.
MAX_BYTES = 60_000
PARAMETERS = "parameters"
"""The key of the parameters in a step's metadata."""
REVISION_VARIABLES = ("ZENML_RUNNER_REVISION", "GIT_COMMIT", "COMMIT_SHA", "GITHUB_SHA")
"""Environment variables with the commit of an image's code; the project's own comes first."""
_REVISION = "_REVISION"


def shown_parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that a step's nodes have read as metadata, without secrets.

    Args:
        values: By name; a value that is too long is left out.
    """
    found = {
        name: without_secrets(_plain(values[name]), name, public_name=None)
        for name in sorted(values)
    }
    for name in sorted(found, key=lambda name: -len(_text(found[name]))):
        if len(_text(found)) <= MAX_BYTES:
            break
        found[name] = f"… {len(_text(found[name])):,} characters"
    return {PARAMETERS: found} if found else {}


def _plain(value: Any) -> Any:
    return json.loads(_text(value))


def _text(value: Any) -> str:
    return json.dumps(value, default=str)


def code_of(project: Path, package: str) -> dict[str, Any]:
    """Return the commit of the code as metadata, with uncommitted changes; nothing if unknown.

    Args:
        project: The project's folder.
        package: Its package; `<PACKAGE>_REVISION` is the variable of its image.
    """
    variables = (package.upper() + _REVISION, *REVISION_VARIABLES)
    for variable in variables:
        if commit := os.environ.get(variable):
            return {"code": {"commit": commit, "from": variable}}
    commit = ask_git(project, "rev-parse", "HEAD")
    if not commit:
        return {}
    code: dict[str, Any] = {"commit": commit}
    if branch := ask_git(project, "symbolic-ref", "--short", "HEAD"):
        code["branch"] = branch
    changed = ask_git(project, "status", "--porcelain", "--untracked-files=no", ".")
    if changed is not None:
        code["uncommitted_changes"] = bool(changed)
    return {"code": code}
