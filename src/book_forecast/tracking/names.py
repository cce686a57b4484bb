"""Names of MLflow runs: what a run is about, not a number or two random words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from book_forecast.plots.style import shortened, title_or_isbn

if TYPE_CHECKING:
    from mlflow.entities import Run

_WHOLE = "__default__"
_WHOLE_LABEL = "all pipelines"
_LONGEST_TITLE = 80


@dataclass(frozen=True)
class Extent:
    """How many titles a table of sales has, and its last week."""

    titles: int
    last_week: pd.Timestamp

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Self | None:
        """Return the extent of a table; None without rows, titles or weeks.

        Args:
            frame: isbn and week, among others.
        """
        if frame.empty or not {"isbn", "week"} <= set(frame.columns):
            return None
        return cls(int(frame["isbn"].nunique()), pd.Timestamp(frame["week"].max()))

    def tags(self) -> dict[str, str]:
        """Return the tags of a run."""
        return {"titles": str(self.titles), "last_week": f"{self.last_week:%Y-%m-%d}"}


def pipelines_label(pipelines: Sequence[str]) -> str:
    """Return the pipelines that run, as in ``tune + train``."""
    return " + ".join(_WHOLE_LABEL if name == _WHOLE else name for name in pipelines)


@dataclass
class RunNames:
    """The names of a run, which learns from its tables how many titles it has, and to which week.

    Attributes:
        label: The pipelines that run.
        extent: What is known by now.
    """

    label: str
    extent: Extent | None = None

    @classmethod
    def of(cls, label: str, joined: Run | None) -> Self | None:
        """Return the names of a run; None if another process has named it.

        Args:
            label: The pipelines that run.
            joined: The run if it is open already.
        """
        if joined is None:
            return cls(label)
        if not str(joined.info.run_name).startswith(label):
            return None
        tags = joined.data.tags
        if not {"titles", "last_week"} <= set(tags):
            return cls(label)
        return cls(label, Extent(int(tags["titles"]), pd.Timestamp(tags["last_week"])))

    @property
    def name(self) -> str:
        """The run's name, as in ``forecast, 15 titles to 2024-06-29``."""
        if self.extent is None:
            return self.label
        count = self.extent.titles
        titles = "1 title" if count == 1 else f"{count:,} titles"
        return f"{self.label}, {titles} to {self.extent.last_week:%Y-%m-%d}"

    def takes(self, found: Extent) -> bool:
        """Take a table's extent, unless it ends before a former one; return whether it is new."""
        if found == self.extent or (self.extent and found.last_week < self.extent.last_week):
            return False
        self.extent = found
        return True


def title_name(row: Mapping[str, Any]) -> str:
    """Return the name of a title's child run: its title and ISBN, or the ISBN alone.

    Args:
        row: isbn and, where it is known, title.
    """
    isbn = str(row["isbn"])
    title = title_or_isbn(row.get("title"), isbn)
    return isbn if title == isbn else f"{shortened(title, _LONGEST_TITLE)} ({isbn})"
