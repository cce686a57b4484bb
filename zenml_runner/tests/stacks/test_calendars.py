"""How a schedule of zenml.yml reaches each kind of scheduler."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from zenml_runner.errors import RunnerError
from zenml_runner.settings.sections import ScheduleSettings
from zenml_runner.stacks.calendars import zenml_schedule, zone_of_cron_jobs, zone_settings
from zenml_runner.stacks.target import Target

CRON = "0 5 * * 1"
ORCHESTRATOR = "zenml.integrations.kubernetes.orchestrators.kubernetes_orchestrator"


def schedule(flavor, **given):
    target = Target("mine", flavor, in_process=False)
    return zenml_schedule(ScheduleSettings(**({"cron": CRON} | given)), target, "weekly")


@pytest.mark.parametrize(
    ("flavor", "cron", "expected"),
    [
        ("vertex", CRON, CRON),
        ("airflow", CRON, CRON),
        ("kubeflow", CRON, "0 0 5 * * 1"),
        ("tekton", CRON, "0 0 5 * * 1"),
        ("sagemaker", CRON, "0 5 ? * MON *"),
        ("databricks", CRON, "0 0 5 ? * MON"),
        ("sagemaker", "30 4 1 * *", "30 4 1 * ? *"),
        ("databricks", "0 5 * * 1-5", "0 0 5 ? * MON,TUE,WED,THU,FRI"),
        ("databricks", "0 5 * * 0,SAT", "0 0 5 ? * SUN,SAT"),
        ("databricks", "0 5 * * 5-7", "0 0 5 ? * SUN,FRI,SAT"),
        ("databricks", "0 5 * * */3", "0 0 5 ? * SUN,WED,SAT"),
    ],
)
def test_cron_has_the_fields_that_the_scheduler_reads(flavor, cron, expected):
    assert schedule(flavor, cron=cron).cron_expression == expected


def test_days_of_month_and_week_at_once_are_refused_where_one_must_be_chosen():
    with pytest.raises(RunnerError, match="choose one kind"):
        schedule("sagemaker", cron="0 5 1 * 1")
    with pytest.raises(RunnerError, match="no day of the week 'FUNDAY'"):
        schedule("sagemaker", cron="0 5 * * FUNDAY")


def test_a_time_zone_gets_to_the_schedulers_that_have_them():
    assert schedule("vertex", timezone="Europe/London").cron_expression == (
        "TZ=Europe/London 0 5 * * 1"
    )
    databricks = Target("mine", "databricks", in_process=False)
    zoned = ScheduleSettings(cron=CRON, timezone="Europe/London")
    assert zone_settings(zoned, databricks) == {"schedule_timezone": "Europe/London"}
    for flavor in ("kubeflow", "airflow", "sagemaker", "azureml"):
        with pytest.raises(RunnerError, match="timezone, which the orchestrator"):
            schedule(flavor, timezone="Europe/London")
        assert schedule(flavor, timezone="UTC").cron_expression


def test_start_and_end_are_in_the_time_zone_unless_they_have_an_offset():
    made = schedule(
        "vertex", timezone="Europe/Berlin", start="2026-07-01", end="2026-12-31T00:00:00+00:00"
    )
    assert made.start_time == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert made.start_time.utcoffset() == timedelta(hours=2)
    assert made.end_time == datetime(2026, 12, 31, tzinfo=UTC)
    assert schedule("azureml", start="2026-07-01").start_time == datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("flavor", "given"),
    [
        ("vertex", {"catchup": True}),
        ("kubernetes", {"start": "2026-07-01"}),
        ("kubernetes", {"end": "2026-07-01"}),
        ("kubernetes", {"catchup": True}),
        ("sagemaker", {"end": "2026-07-01"}),
        ("hyperai", {"start": "2026-07-01"}),
    ],
)
def test_what_a_scheduler_would_ignore_is_refused_with_its_key(flavor, given):
    (key,) = given
    with pytest.raises(RunnerError, match=f"the schedule {key}, which the orchestrator {flavor}"):
        schedule(flavor, **given)


def test_catching_up_gets_to_the_schedulers_that_can():
    assert schedule("kubeflow", catchup=True).catchup
    assert schedule("somebody_elses", catchup=True).catchup


@pytest.mark.parametrize("zone", [None, "Europe/London"])
def test_a_cron_job_of_kubernetes_has_its_time_zone(zone):
    client = pytest.importorskip("kubernetes.client")
    kubernetes_orchestrator: Any = import_module(ORCHESTRATOR)
    settings = ScheduleSettings(cron=CRON, timezone=zone)
    plain = kubernetes_orchestrator.build_cron_job_manifest
    with zone_of_cron_jobs(settings, Target("mine", "kubernetes", in_process=False)):
        made = kubernetes_orchestrator.build_cron_job_manifest(
            cron_expression=CRON, job_template=client.V1JobTemplateSpec()
        )
    assert made.spec.time_zone == (zone or "UTC")
    assert kubernetes_orchestrator.build_cron_job_manifest is plain


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"timezone": "Europe/Nowhere"}, "no time zone 'Europe/Nowhere'"),
        ({"start": "2026-02-01", "end": "2026-01-01"}, "end must be after start"),
    ],
)
def test_impossible_times_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        ScheduleSettings(cron=CRON, **given)
