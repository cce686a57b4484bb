"""Rows of input files that cannot be used, each with the first reason."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

IMPLAUSIBLE = "implausible"
"""The beginning of reasons that say nothing about how well a file is read."""


class Rejections:
    """Collects the rows that fail a check.

    Attributes:
        kept: Whether each row has passed all checks so far, shape (rows,).
    """

    def __init__(self, kept: np.ndarray) -> None:
        self.kept = kept
        self._frames: list[pd.DataFrame] = []

    def reject(
        self,
        bad: np.ndarray,
        column: str,
        cells: Callable[[np.ndarray], Sequence[str]],
        reasons: np.ndarray | str,
    ) -> None:
        """Reject rows that an earlier check has not rejected.

        Args:
            bad: One bool per row.
            column: The column that fails.
            cells: Returns the column's texts at given positions.
            reasons: The reason for each row, or one for all.
        """
        positions = np.flatnonzero(bad & self.kept)
        if len(positions):
            of_rows = reasons if isinstance(reasons, str) else reasons[positions]
            self._frames.append(
                pd.DataFrame(
                    {
                        "position": positions,
                        "column": column,
                        "value": list(cells(positions)),
                        "reason": of_rows,
                    }
                )
            )
            self.kept[positions] = False

    def frame(self, origins: Callable[[np.ndarray], pd.DataFrame]) -> pd.DataFrame:
        """Return the rejected rows in order.

        Args:
            origins: Returns the file and row (and sheet) of the rows at given positions.

        Returns:
            The columns of `origins`, and column, value, reason.
        """
        empty = pd.DataFrame(columns=["position", "column", "value", "reason"])
        found = pd.concat(self._frames or [empty]).sort_values("position", ignore_index=True)
        origin = origins(found.pop("position").to_numpy(dtype=np.int64)).reset_index(drop=True)
        frame = origin.join(found)
        return frame.astype(dict.fromkeys(frame.columns, "str") | {"row": "int64"})


def list_reasons(rejected: pd.DataFrame, shown: int = 5) -> str:
    """Spell out the most frequent reasons of rejected rows, each with its number of rows."""
    labels = (rejected["column"] + ": ").where(rejected["column"] != "", "") + rejected["reason"]
    counts = labels.value_counts()
    texts = [f"{label} ({count:,})" for label, count in counts.head(shown).items()]
    others = int(counts.iloc[shown:].sum())
    return "; ".join(texts + ([f"other reasons ({others:,})"] if others else []))
