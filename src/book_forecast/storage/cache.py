"""Local folders for files that cannot be stored with the data or in the project."""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path


def cache_folder(kind: str, owner: str) -> Path:
    """Return a folder of the user's cache, or a temporary one where there is no home to write to.

    Args:
        kind: The kind of content, such as ``checkpoints``.
        owner: The project or bucket of the content; its hash is the folder's name.

    Returns:
        The folder, the same for the same arguments; it may not exist yet.
    """
    name = hashlib.blake2b(owner.rstrip("/").encode(), digest_size=8).hexdigest()
    with suppress(OSError, RuntimeError):
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        cache = Path(home) / "book_forecast" / kind
        cache.mkdir(parents=True, exist_ok=True)
        if os.access(cache, os.W_OK):
            return cache / name
    return Path(tempfile.gettempdir()) / f"book_forecast-{os.getuid()}" / kind / name
