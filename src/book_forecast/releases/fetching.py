"""Downloads a payload from a bucket."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec

from book_forecast.payload.manifest import MANIFEST, PayloadError


def fetch_payload(
    fs: fsspec.AbstractFileSystem, source: str, manifest: Mapping[str, Any], folder: Path
) -> None:
    """Download the files of a checked manifest; an interrupted download leaves nothing.

    Args:
        fs: The filesystem of the payload.
        source: Folder of the payload.
        manifest: Its manifest.
        folder: The local folder to make.

    Raises:
        PayloadError: If the manifest names a file of another folder.
    """
    waiting = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")
    waiting.mkdir(parents=True)
    try:
        for entry in manifest["files"].values():
            name = str(entry["name"])
            if "/" in name or "\\" in name:
                raise PayloadError(f"{source} names {name!r}, which is not a file of its folder.")
            fs.get_file(f"{source}/{name}", str(waiting / name))
        # The bucket may have the manifest of a newer payload by now.
        (waiting / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        with suppress(OSError):  # another process was faster
            waiting.rename(folder)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
