"""The year of `benchmarks.year_of_weeks`: its deliveries, its records, and what its report says."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.year.arm import Arm, Week
from benchmarks.year.report import report, wape
from benchmarks.year.world import DOWN, Mishaps, World
from book_forecast.series.history import WEEK

WEEKS = 24


@pytest.fixture(scope="module")
def world() -> World:
    return World.of(titles=40, weeks=WEEKS, seed=42)


def delivered(world: World, until: int) -> pd.DataFrame:
    """What a supplier has said up to a week: a week that is delivered again replaces."""
    parts = [world.base(), *(world.delivery(week) for week in range(1, until + 1))]
    return pd.concat(parts).drop_duplicates(["ISBN", "End Date"], keep="last")


@pytest.mark.parametrize("weeks", [12, 24, 52])
def test_no_mishap_meets_another(weeks):
    mishaps = Mishaps.of(weeks)
    firsts = list(mishaps.weeks.values())
    assert firsts == sorted(set(firsts))
    assert firsts[0] >= 1
    assert firsts[-1] < weeks
    assert mishaps.late[-1] < mishaps.weeks["down"]
    assert mishaps.dead[-1] < mishaps.weeks["up"]


def test_everything_has_arrived_by_the_end_of_the_year(world):
    found = delivered(world, WEEKS).sort_values(["ISBN", "End Date"], ignore_index=True)
    truth = world.truth.sort_values(["ISBN", "End Date"], ignore_index=True)
    pd.testing.assert_frame_equal(found, truth)


def test_a_late_week_arrives_with_the_one_after(world):
    first, last = world.mishaps.late[0], world.mishaps.late[-1]
    assert world.delivery(first).empty
    dates = set(pd.to_datetime(world.delivery(last + 1)["End Date"]))
    assert dates == {world.day(week) for week in range(first, last + 2)}


def test_a_broken_week_has_ten_times_the_copies_and_is_replaced(world):
    at = world.mishaps.weeks["broken"]
    right = world.truth[pd.to_datetime(world.truth["End Date"]) == world.day(at)]["Volume"].sum()
    assert world.delivery(at)["Volume"].sum() == 10 * right
    again = world.delivery(at + 1)
    assert again[pd.to_datetime(again["End Date"]) == world.day(at)]["Volume"].sum() == right


def test_shifted_titles_sell_less_from_their_week_on_and_others_do_not(world):
    still = World.of(titles=40, weeks=WEEKS, seed=42)
    at = world.mishaps.weeks["down"]
    rows = still.truth.assign(week=pd.to_datetime(still.truth["End Date"]))
    near = rows[rows["ISBN"].isin(world.groups["down"])]
    after = near[near["week"] >= world.day(at)]["Volume"].mean()
    before = near[near["week"].between(world.day(at) - 12 * WEEK, world.day(at) - WEEK)]
    assert 0 < DOWN < 1
    assert after < before["Volume"].mean()


def test_the_share_that_is_corrected_is_that_of_what_was_known(world):
    since, until = world.first - 104 * WEEK, world.first
    shares = world.corrected_shares(since, until)
    known, truth = world.base(), world.truth
    isbn = world.groups["corrected"][0]

    def copies(rows: pd.DataFrame) -> int:
        days = pd.to_datetime(rows["End Date"])
        return int(rows[(rows["ISBN"] == isbn) & days.between(since, until)]["Volume"].sum())

    assert shares[isbn] == pytest.approx((copies(truth) - copies(known)) / copies(known))
    assert set(shares.index) == set(world.groups["corrected"])


def arms(folder: Path, weeks: int) -> tuple[Arm, Arm]:
    """Two arms that have a first training and some weeks, without forecasts."""
    made = [Arm.of(folder, name, "", None) for name in ("refresh", "whole")]
    for arm in made:
        for number in range(weeks + 1):
            arm.finish(Week(number, core_seconds=10.0, state="ok", champion="r1"))
    return made[0], made[1]


def record(arm: Arm, world: World, cutoff: int, factor: float) -> None:
    """Record forecasts of a week that are a factor of what is sold."""
    sold = world.sold().rename(columns={"sold": "mean"})
    ahead = sold[sold["week"].between(world.day(cutoff + 1), world.day(cutoff + 4))]
    table = ahead.assign(cutoff=world.day(cutoff), mean=ahead["mean"] * factor)
    target = arm.data / f"07_model_output/forecast_history/r1/{cutoff}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(target)


def test_the_wape_is_that_of_recorded_forecasts_without_the_weeks_left_out(world, tmp_path):
    arm, _ = arms(tmp_path, 3)
    record(arm, world, 0, 1.1)
    record(arm, world, 1, 3.0)
    assert wape(arm.data, world, 3, without=[1]) == pytest.approx(0.1)
    assert wape(arm.data, world, 3, without=[]) > 0.5


def test_an_arm_goes_on_after_its_last_finished_week(tmp_path):
    arm, _ = arms(tmp_path, 3)
    week = replace(arm.weeks()[-1], week=4, trained={"978": "drift"})
    arm.finish(week)
    assert arm.weeks()[-1] == week
    assert [week.week for week in arm.weeks()] == [0, 1, 2, 3, 4]


def test_the_report_names_what_is_wrong_and_titles_that_were_not_trained(world, tmp_path):
    refresh, whole = arms(tmp_path, WEEKS)
    for arm, factor in ((refresh, 1.2), (whole, 1.1)):
        record(arm, world, 0, factor)
    week = refresh.weeks()[2]
    week.must(False, "the moon is made of cheese")
    refresh.finish(week)
    text = report(refresh, whole, world)
    assert "- week 2: the moon is made of cheese" in text
    for isbn in world.groups["down"]:
        assert f"{isbn} has shifted down, and is not trained in 8 weeks" in text
    assert "| refresh | 240 | 100% | 0.2000 |" in text
    assert "| difference |  |  | +100.0% |" in text


def test_the_report_has_the_weeks_of_one_arm_alone(world, tmp_path):
    refresh = Arm.of(tmp_path, "refresh", "", None)
    refresh.finish(Week(0, champion="r1"))
    refresh.finish(Week(1, champion="r2", state="ok", reasons={"refit": {"age": 3}}))
    text = report(refresh, Arm.of(tmp_path, "whole", "", None), world)
    assert "| 1 | 0 | ok | refit 3 (age) | promoted |" in text
    assert "Wrong: nothing." in text
