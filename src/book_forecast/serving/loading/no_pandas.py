"""Hides pandas from a process."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder


def keep_pandas_out() -> None:
    """Make pandas look as if it were not installed; for processes of the service alone.

    If pandas is installed, PyArrow imports it for many conversions, which takes half a second and
    50 MB. Without it, the results are the same.
    """
    sys.meta_path.insert(0, _NoPandas())


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, *_: object) -> None:
        """Refuse pandas; other finders find the rest."""
        if name == "pandas":
            raise ModuleNotFoundError("the service does without pandas", name=name)
