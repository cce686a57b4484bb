"""Where an entry of the catalog has its file or folder."""

from __future__ import annotations

from typing import Any

from kedro.io.core import get_filepath_str


def location(dataset: Any) -> str | None:
    """Return the path or, on a bucket, the URL of a dataset; None if it has none."""
    path = getattr(dataset, "_filepath", None)
    return path and get_filepath_str(path, getattr(dataset, "_protocol", "file"))
