"""How orchestrators take the schedules of zenml.yml: cron, timezone, start, end and catchup.

ZenML hands a schedule to its orchestrator as it is, and each reads it in its own way. A key that an
orchestrator would ignore is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zenml_runner.errors import RunnerError
from zenml_runner.settings.sections import ScheduleSettings
from zenml_runner.stacks.target import Target

if TYPE_CHECKING:
    from zenml.config.schedule import Schedule

DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_KEYS = ("timezone", "start", "end", "catchup")


@dataclass(frozen=True)
class Calendar:
    """What an orchestrator knows of a schedule.

    Attributes:
        keys: Those of timezone, start, end and catchup that have an effect.
        cron: Its text for the schedule's time.
    """

    keys: frozenset[str]
    cron: Callable[[ScheduleSettings], str] = lambda schedule: schedule.cron


def _with_zone(schedule: ScheduleSettings) -> str:
    return f"TZ={schedule.timezone} {schedule.cron}" if schedule.timezone else schedule.cron


def _with_seconds(schedule: ScheduleSettings) -> str:
    return f"0 {schedule.cron}"


def _amazon(schedule: ScheduleSettings) -> str:
    return f"{_without_either(schedule.cron)} *"


def _quartz(schedule: ScheduleSettings) -> str:
    return f"0 {_without_either(schedule.cron)}"


def _without_either(cron: str) -> str:
    """Return five fields with `?` for the kind of day that is not chosen, and days by name.

    Raises:
        RunnerError: If days are chosen by month and by week, as cron alone can.
    """
    minute, hour, day, month, weekday = cron.split()
    if weekday == "*":
        return f"{minute} {hour} {day} {month} ?"
    if day != "*":
        raise RunnerError(
            f"The cron string {cron!r} chooses days of the month and of the week, which this "
            "stack's scheduler cannot: write two pipelines' schedules, or choose one kind."
        )
    return f"{minute} {hour} ? {month} {','.join(_day_names(weekday))}"


def _day_names(field: str) -> list[str]:
    """Return the days of cron's last field: 0 and 7 are Sunday."""
    found: set[int] = set()
    for part in field.upper().split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0-6" if span == "*" else span).partition("-")
        try:
            days = range(_day(first), _day(last or first) + 1, int(step or 1))
        except ValueError:
            raise RunnerError(f"The cron string has no day of the week {part!r}.") from None
        found |= {day % 7 for day in days}
    return [DAYS[day] for day in sorted(found)]


def _day(name: str) -> int:
    return DAYS.index(name) if name in DAYS else int(name)


_VERTEX = Calendar(frozenset({"timezone", "start", "end"}), _with_zone)
_KFP = Calendar(frozenset({"start", "end", "catchup"}), _with_seconds)
_ZENML = Calendar(frozenset({"start", "end", "catchup"}))
CALENDARS: Mapping[str, Calendar] = {
    "vertex": _VERTEX,
    "vertex_with_retries": _VERTEX,
    "kubernetes": Calendar(frozenset({"timezone"})),
    "kubeflow": _KFP,
    "tekton": _KFP,
    "sagemaker": Calendar(frozenset({"start"}), _amazon),
    "azureml": Calendar(frozenset({"start", "end"})),
    "databricks": Calendar(frozenset({"timezone"}), _quartz),
    "airflow": _ZENML,
    "hyperai": Calendar(frozenset()),
}


def zenml_schedule(schedule: ScheduleSettings, target: Target, name: str) -> Schedule:
    """Return ZenML's schedule.

    Args:
        schedule: As in zenml.yml.
        target: The stack.
        name: Of the schedule in ZenML.

    Raises:
        RunnerError: If the stack has no scheduler, or one that would ignore a key.
    """
    from zenml.config.schedule import Schedule

    calendar = CALENDARS.get(target.flavor, _ZENML)
    for key in _KEYS:
        ignored = getattr(schedule, key) and key not in calendar.keys
        if ignored and not (key == "timezone" and schedule.zone == "UTC"):
            instead = "write the cron string in UTC" if key == "timezone" else f"leave {key} out"
            raise RunnerError(
                f"zenml.yml gives the schedule {key}, which {target.words(None)} cannot take: "
                f"{instead}."
            )
    return Schedule(
        name=name,
        cron_expression=calendar.cron(schedule),
        start_time=schedule.first,
        end_time=schedule.last,
        catchup=schedule.catchup,
    )


def zone_settings(schedule: ScheduleSettings, target: Target) -> dict[str, Any]:
    """Return the orchestrator's settings that hold a schedule's time zone."""
    return {"schedule_timezone": schedule.zone} if target.flavor == "databricks" else {}


@contextmanager
def zone_of_cron_jobs(schedule: ScheduleSettings, target: Target) -> Iterator[None]:
    """Give Kubernetes' cron jobs their time zone, which ZenML leaves to the cluster."""
    if target.flavor != "kubernetes":
        yield
        return
    from zenml.integrations.kubernetes.orchestrators import kubernetes_orchestrator

    module: Any = kubernetes_orchestrator
    plain = module.build_cron_job_manifest

    def with_zone(*args: Any, **options: Any) -> Any:
        manifest = plain(*args, **options)
        manifest.spec.time_zone = schedule.zone
        return manifest

    module.build_cron_job_manifest = with_zone
    try:
        yield
    finally:
        module.build_cron_job_manifest = plain
