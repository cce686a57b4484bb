"""The manifest of a payload: what the release is, and its files with their checksums.

Like `contents`, this module imports nothing else of the project: MLflow stores a copy of it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FORMAT = 1
MANIFEST = "manifest.json"
LONGEST_HORIZON = 104
"""Weeks after the cutoff that a payload holds."""
LARGEST_MANIFEST = 1 << 23
"""Bytes of a manifest; no more are read."""
PROBABILITIES = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5),
    *(0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99, 0.995),
)
"""Of the quantiles: the bounds of 50, 60, 70, 80, 90, 95, 98 and 99 % intervals, and the median."""

_RELEASE = re.compile(r"[\w.:+-]+", re.ASCII)


class PayloadError(Exception):
    """A payload that cannot be trusted or read; the message names the file and the reason."""


def read_manifest(path: Path) -> dict[str, Any]:
    """Read and check a manifest.

    Raises:
        PayloadError: If it is missing or damaged, or of a format that this code does not know.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_MANIFEST + 1)
        if len(text) > LARGEST_MANIFEST:
            raise PayloadError(
                f"{path} is no manifest of a release: it has more than {LARGEST_MANIFEST >> 20} MB."
            )
        content = json.loads(text.decode())
    except FileNotFoundError:
        raise PayloadError(f"There is no {path}: the folder holds no release.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise PayloadError(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict) or type(content.get("format")) is not int:
        raise PayloadError(f"{path} is no manifest of a release: it has no format.")
    if content["format"] != FORMAT:
        raise PayloadError(
            f"{path} is of format {content['format']}, this code reads format {FORMAT}: use the "
            f"version of book_forecast that wrote it, or a newer one."
        )
    if content.get("checksum") != checksum(content):
        raise PayloadError(f"{path} is damaged: its checksum does not match.")
    for key, is_right in _EXPECTED.items():
        if key not in content or not is_right(content[key]):
            raise PayloadError(f"{path} is no manifest of a release: its {key!r} is wrong.")
    return content


def _is_day(value: object) -> bool:
    """Whether a value is a cutoff; None is the cutoff of a release without titles."""
    if value is None:
        return True
    try:
        return isinstance(value, str) and dt.date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


_EXPECTED: dict[str, Callable[[Any], bool]] = {
    "longest_horizon": lambda value: value == LONGEST_HORIZON,
    "probabilities": lambda value: value == list(PROBABILITIES),
    "release": lambda value: isinstance(value, str) and bool(_RELEASE.fullmatch(value)),
    "cutoff": _is_day,
    "files": lambda value: (
        isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())
    ),
}
"""Checks of a manifest, by key."""


def checksum(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest without its own checksum."""
    rest = {key: value for key, value in manifest.items() if key != "checksum"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def file_entry(name: str, content: bytes) -> dict[str, Any]:
    """Return the manifest's entry for a file."""
    return {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
