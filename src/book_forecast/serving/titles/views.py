"""Views of the list: which titles a planner looks at, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

ViewName = Literal["all", "changed", "runs_out", "wrong", "launches"]
Order = Literal["asc", "desc"]
Sort = Literal[
    "title",
    "match",
    "volume_4",
    "volume",
    "volume_32",
    "change",
    "change_copies",
    "chance",
    "run_out",
    "order",
    "error",
    "error_copies",
    "published",
]
ASCENDING: frozenset[Sort] = frozenset({"title", "match", "run_out"})
"""Sorts that begin with the lowest unless another order is asked for."""


@dataclass(frozen=True)
class View:
    """A view of the list.

    Attributes:
        heading: For people.
        sort: Unless another is asked for.
        about: Which titles it has.
        columns: Names of the fields of a title that its files show.
    """

    heading: str
    sort: Sort
    about: str
    columns: tuple[str, ...]


VIEWS: dict[ViewName, View] = {
    "all": View("All titles", "volume", "All titles of the release.", ()),
    "changed": View(
        "What changed most",
        "change_copies",
        "Titles whose forecast differs from the one before, over the same weeks.",
        ("next_13_weeks", "change_copies", "change"),
    ),
    "runs_out": View(
        "Runs out first",
        "run_out",
        "Titles whose stock is known; those that run out first come first.",
        (
            *("next_4_weeks", "next_13_weeks", "on_hand", "on_order", "chance_to_run_out"),
            *("run_out_week", "order"),
        ),
    ),
    "wrong": View(
        "Forecast was wrong",
        "error_copies",
        "Titles whose last forecast can be held against what they sold.",
        ("next_13_weeks", "last_expected", "last_sold", "error_copies", "wape"),
    ),
    "launches": View(
        "Launches",
        "published",
        "Titles that are new, or not published yet.",
        ("publication_date", "next_4_weeks", "next_13_weeks", "next_32_weeks"),
    ),
}
assert tuple(VIEWS) == get_args(ViewName)  # noqa: S101
