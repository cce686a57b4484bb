"""What the command line and zenml.yml say of a schedule, put together."""

import pytest

from zenml_runner.commands.schedule import choose_schedule
from zenml_runner.errors import RunnerError
from zenml_runner.settings.sections import ScheduleSettings

MONDAYS = ScheduleSettings(cron="0 5 * * 1", params={"horizon": 26, "levels": [80]}, shards=16)


def test_the_command_line_wins_and_the_rest_is_kept():
    assert choose_schedule(MONDAYS, "train", "0 6 * * 2", {"horizon": 8}, None) == ScheduleSettings(
        cron="0 6 * * 2", params={"horizon": 8, "levels": [80]}, shards=16
    )
    assert choose_schedule(MONDAYS, "train", None, {}, 4).shards == 4
    assert choose_schedule(MONDAYS, "train", None, {}, "auto").shards == "auto"


def test_a_schedule_needs_nothing_in_zenml_yml():
    assert choose_schedule(None, "train", "0 6 * * 2", {}, None).cron == "0 6 * * 2"


def test_a_schedule_without_a_time_is_refused():
    with pytest.raises(RunnerError, match="There is no schedule for train"):
        choose_schedule(None, "train", None, {}, None)


@pytest.mark.parametrize("cron", ["", "weekly", "0 5 * *"])
def test_what_is_no_cron_string_is_refused(cron):
    with pytest.raises(RunnerError, match="five fields"):
        choose_schedule(MONDAYS if cron else None, "train", cron, {}, None)
