"""Asks Git about the folder of a project."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SECONDS = 10
"""Git on a network's disk may take longer: then nothing is known."""


def ask_git(folder: Path, *arguments: str) -> str | None:
    """Return Git's answer; None without Git, outside of a repository, or after `SECONDS`.

    Args:
        folder: The folder to ask about.
        arguments: Command and arguments.
    """
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603
            [git, "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
