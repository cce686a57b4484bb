"""Where compiled functions are kept: apart for each state of the core's source.

Numba asks for the age of the file that a function stands in, but compiles what it calls into it: a
change of one module would leave the others at work with its old code.
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


def kept_at(folder: Path) -> Path:
    """The folder for compiled functions of the modules in a folder; older ones beside it go.

    They lie below ``NUMBA_CACHE_DIR`` where that is set, otherwise beside Python's own, or in the
    user's cache where the code may not be written to.
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


numba.config.CACHE_DIR = str(kept_at(_SOURCE))  # type: ignore[attr-defined]
