"""What a listing of a generation's folder says: is it complete, and what may go."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from book_forecast.execution.shards import Shard

_PART = re.compile(r"^\d{4,}-of-(\d{4,})\.parquet$")


@dataclass(frozen=True)
class Listing:
    """One generation's folder as it was listed.

    Attributes:
        name: The fingerprint.
        written: When each part was written, by file name (seconds since 1970).
        completed: When its manifest was written, 0 if there is none that can be read.
        count: Number of parts it consists of.
    """

    name: str
    written: Mapping[str, float]
    completed: float
    count: int

    @classmethod
    def of(
        cls,
        name: str,
        files: Mapping[str, float],
        *,
        completed: float,
        declared: int,
        count: int | None = None,
    ) -> Listing:
        """Tell parts from other files and how many there should be.

        Args:
            name: The fingerprint.
            files: When each file in the folder was written, by name.
            completed: When the manifest was written, or 0.
            declared: The manifest's number of parts, or 0.
            count: The number of parts, where the caller knows it.
        """
        written = {file: when for file, when in files.items() if _PART.match(file)}
        return cls(name, written, completed, count or _count(written, declared))

    @property
    def missing(self) -> list[str]:
        """Names of the parts that are not there."""
        return [name for name in part_names(self.count) if name not in self.written]

    @property
    def complete(self) -> bool:
        """Whether all parts are there."""
        return bool(self.count) and not self.missing

    @property
    def time(self) -> float:
        """When it was last completed or, without a manifest, last added to."""
        return self.completed or self.last_written

    @property
    def last_written(self) -> float:
        """When the last part was written."""
        return max(self.written.values(), default=0.0)

    @property
    def started(self) -> float:
        """When the first of the parts it consists of was written."""
        names = part_names(self.count)
        return min((self.written[name] for name in names if name in self.written), default=0.0)

    @property
    def replaced(self) -> list[str]:
        """Parts of another number of shards, from before this one's."""
        ours = set(part_names(self.count))
        return [f for f, when in self.written.items() if f not in ours and when < self.started]


def part_names(count: int) -> list[str]:
    """Return the file names of all parts of a generation, in order."""
    return [f"{Shard(index, count).name}.parquet" for index in range(1, count + 1)]


def stale(new: Listing, all_listings: Sequence[Listing], keep: int) -> list[Listing]:
    """Return the generations that a newly completed one makes superfluous.

    These are all complete ones beyond the ``keep`` newest, and incomplete ones that were given up
    before the oldest of those. One that was written to after ``new`` was begun is somebody's work.
    """
    others = [g for g in all_listings if g.name != new.name and g.last_written < new.started]
    complete = sorted((g for g in others if g.complete), key=lambda g: g.time, reverse=True)
    kept = complete[: keep - 1]
    since = min([new.started, *(g.started for g in kept)])
    given_up = [g for g in others if not g.complete and g.last_written < since]
    return complete[keep - 1 :] + given_up


def modified(info: Mapping[str, Any]) -> float:
    """Return when a file was written, in seconds since 1970, from any filesystem's listing."""
    value = info.get("mtime") or info.get("updated") or info.get("created") or 0.0
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    return value.timestamp() if isinstance(value, dt.datetime) else float(value)


def _count(written: Mapping[str, float], declared: int) -> int:
    """Return the declared number of parts if all are there, else a number of which all are.

    Where there is no such number, the one of which a part was written last: it is at work.
    """
    counts = [
        int(m[1]) for f in sorted(written, key=lambda f: -written[f]) if (m := _PART.match(f))
    ]
    for count in [declared, *counts]:
        if count and all(name in written for name in part_names(count)):
            return count
    return counts[0] if counts else declared
