"""The weeks after a title's last known one, by the days that callers name."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.serving.errors import RequestError

WEEK = dt.timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class WeeksAhead:
    """Weeks ahead of a title.

    Attributes:
        cutoff: Saturday of the last known week.
        longest: How many weeks after it may be named.
    """

    cutoff: dt.date
    longest: int = LONGEST_HORIZON

    def saturday(self, place: int) -> dt.date:
        """Return the Saturday of a week by its place, from 0."""
        return self.cutoff + (place + 1) * WEEK

    def place(self, day: dt.date, where: str) -> int:
        """Return the place of the week of a day: of the one that ends on the next Saturday.

        Args:
            day: Any day of the week.
            where: What the caller names it.

        Raises:
            RequestError: If the week is no week ahead; names the bounds.
        """
        place = -(-(day - self.cutoff).days // 7) - 1
        if not 0 <= place < self.longest:
            raise RequestError(
                422,
                f"{where}: {day} is not within the {self.longest} weeks after {self.cutoff}, the "
                f"last known week of this title: {self.cutoff + dt.timedelta(days=1)} to "
                f"{self.saturday(self.longest - 1)}.",
            )
        return place
