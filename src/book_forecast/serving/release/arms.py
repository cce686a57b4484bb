"""Which release answers for which title: the champion, or a release that challenges it."""

from __future__ import annotations

from dataclasses import dataclass

from book_forecast.releases.challenges import CHALLENGER_ARM, CHAMPION_ARM, Arm
from book_forecast.serving.release.current import Current, Rival, ServedRelease


@dataclass(frozen=True)
class Arms:
    """The releases that answer; a request takes them once and uses them to its end.

    Attributes:
        champion: The release of the champion.
        rival: The challenger; None without one.
    """

    champion: ServedRelease
    rival: Rival | None = None

    def of(self, isbn: str, wanted: Arm | None = None) -> tuple[Arm, ServedRelease]:
        """Return the arm of a title and its release.

        A title that either release lacks is the champion's.

        Args:
            isbn: 13 digits.
            wanted: The arm that is asked for; None for that of the title.
        """
        rival = self.rival
        if rival is None or isbn not in rival.served.reader or isbn not in self.champion.reader:
            return CHAMPION_ARM, self.champion
        is_challenger = isbn in rival.titles if wanted is None else wanted == CHALLENGER_ARM
        return (CHALLENGER_ARM, rival.served) if is_challenger else (CHAMPION_ARM, self.champion)

    def releases(self) -> dict[Arm, str]:
        """Return the ids of the releases by arm."""
        found = {CHAMPION_ARM: self.champion.release}
        if self.rival is not None:
            found[CHALLENGER_ARM] = self.rival.served.release
        return found


def arms_of(current: Current) -> Arms | None:
    """Return what answers now; None before a release is loaded."""
    champion, rival = current.served, current.rival
    if champion is None:
        return None
    # Between a change of the champion and the next look, the challenge is one of the former.
    if rival is not None and rival.challenge.champion != champion.release:
        rival = None
    return Arms(champion, rival)
