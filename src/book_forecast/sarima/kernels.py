"""The cache folder of compiled functions, one per state of the core's source.

Numba checks the age of a function's own file, but inlines the functions that it calls: after a
change of one module, callers in other modules would run its old code.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import numba

from book_forecast.storage.cache import cache_folder

PREFIX = "kernels-"
_SOURCE = Path(__file__).parent


def fingerprint(folder: Path) -> str:
    """Hash the modules of a folder."""
    hasher = hashlib.blake2b(digest_size=8)
    for module in sorted(folder.glob("*.py")):
        hasher.update(module.name.encode() + b"\0" + module.read_bytes() + b"\0")
    return hasher.hexdigest()


def kernel_cache(folder: Path) -> Path:
    """Return the cache folder for the modules in a folder; delete older ones beside it.

    It is below ``NUMBA_CACHE_DIR`` if that is set, otherwise beside Python's own cache, or in the
    user's cache if the code is read-only.
    """
    name = f"{PREFIX}{fingerprint(folder)}"
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given, name)
    beside = folder / "__pycache__"
    if not os.access(beside if beside.is_dir() else folder, os.W_OK):
        return cache_folder("kernels", str(folder)) / name
    for other in beside.glob(f"{PREFIX}*"):
        if other.name != name:
            shutil.rmtree(other, ignore_errors=True)
    return beside / name


numba.config.CACHE_DIR = str(kernel_cache(_SOURCE))  # type: ignore[attr-defined]
