"""The refreshed arm: its weeks with their mishaps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from benchmarks.year import people
from benchmarks.year.arm import REFUSES, Arm, Week
from benchmarks.year.checks import look, look_at_resumed, note_monitoring
from benchmarks.year.world import World

_SELDOM = "retrain.max_age_days=30,max_tuning_age_days=182,retry_after_days=28"
"""As in production."""
_CHALLENGER = "families=naive"
_CHALLENGE = "promote.require_win=true,monitor.withdraw_loser=true"
_DAYS_LATE = 13
"""The default of `monitor.late_days`."""
_KILLED_AT = "fit_titles -> refresh_release_models"


@dataclass
class Refreshed:
    """Weekly refreshes of a data root.

    Attributes:
        arm: The root.
        world: What arrives.
    """

    arm: Arm
    world: World

    def begin(self) -> None:
        """Train for the first time."""
        self.arm.deliver("base", self.world.base())
        self.arm.train(Week(0))

    def week(self, number: int) -> None:
        """Live through a week."""
        week, before = Week(number), self.arm.weeks()[-1]
        arm, world, at = self.arm, self.world, self.world.mishaps.weeks
        arm.deliver(f"week-{number:03d}", world.delivery(number))
        is_challenged = self._is_challenged(number)
        if self._is_tried(number):
            self._forecast(week)
            people.judge_bad(week, before, arm, world)
        else:
            self._refresh(week, is_challenged)
            look(week, before, arm, world)
        if number == at["killed"]:
            look_at_resumed(week, arm)
        elif number == at["challenger"]:
            people.challenge(week, before, arm)
        elif is_challenged:
            is_last = number == world.mishaps.ends("challenger")
            people.follow_challenge(week, before, arm, is_last)
        elif number == world.mishaps.dead[-1] + 1:
            people.catch_up(week, arm)
        elif number == at["bad"]:
            people.promote_bad(week, arm, world)
        week.champion = arm.store.champion()
        arm.finish(week)

    def _is_challenged(self, number: int) -> bool:
        """Return whether naive forecasts challenge at the beginning of a week."""
        first, last = self.world.mishaps.weeks["challenger"], self.world.mishaps.ends("challenger")
        return first < number <= last and self.arm.store.challenge() is not None

    def _is_tried(self, number: int) -> bool:
        """Return whether the bad release is champion, so that people train nothing."""
        events = [event for week in self.arm.weeks() for event in week.events]
        is_back = any(event.startswith(people.ROLLED_BACK) for event in events)
        return number > self.world.mishaps.weeks["bad"] and not is_back

    def _params(self, number: int) -> str:
        """Return the parameters of a week's run, as if it were made on the Monday after."""
        monday = self.world.day(number).date() + dt.timedelta(days=2)
        today = dt.datetime.now(tz=dt.UTC).date()
        return f"{_SELDOM},monitor.late_days={_DAYS_LATE + (today - monday).days}"

    def _forecast(self, week: Week) -> None:
        """Run a week without a training."""
        arguments, more = ("--pipeline", "weekly"), self._params(week.week)
        week.use(self.arm.run(f"{week.week:03d}", *arguments, more=more))
        note_monitoring(week, self.arm)

    def _refresh(self, week: Week, is_challenged: bool) -> None:
        """Run a week's refresh, with what the mishaps make of it."""
        number, mishaps = week.week, self.world.mishaps
        given, name = [self._params(number)], f"{number:03d}"
        if number == mishaps.weeks["killed"]:
            given.append("force=refit")
        if number == mishaps.weeks["challenger"]:
            given.append(_CHALLENGER)
        if is_challenged:
            given.append(_CHALLENGE)
        if number == mishaps.dead[0]:
            # There is a release that MLflow cannot take.
            given.append(f"force=refit,force_titles={self.world.groups['up'][0]}")
        mlflow = REFUSES if number in mishaps.dead else None
        arguments, more = ("--pipeline", "refresh"), ",".join(given)
        if number == mishaps.weeks["killed"]:
            done = self.arm.run(f"{name}-killed", *arguments, more=more, kill_at=_KILLED_AT)
            week.core_seconds += done.core_seconds
            week.must(done.code == -9, f"to be killed, but ended with {done.code}")
            week.events.append("a run is killed as it begins to fit")
        week.use(self.arm.run(name, *arguments, more=more, mlflow=mlflow))
