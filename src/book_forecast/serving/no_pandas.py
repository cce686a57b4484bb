"""Keeps pandas out of a process."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder


def keep_pandas_out() -> None:
    """Make pandas look as if it were not installed; for processes of the service alone.

    PyArrow imports it on its own for every other conversion where it is there, which takes half
    a second and 50 MB, and then does without it as well.
    """
    sys.meta_path.insert(0, _NoPandas())


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, *_: object) -> None:
        """Find nothing under one name; other finders find the rest."""
        if name == "pandas":
            raise ModuleNotFoundError("the service does without pandas", name=name)
