"""Plans that are tried on a title."""

import datetime as dt

import numpy as np
import pytest

from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.serving.settings import ServiceSettings
from tests.serving import planning
from tests.serving.conftest import in_process
from tests.serving.planning import CAFE, CUTOFF, HUNGRY, PLAIN, WEEK


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = planning.write(tmp_path_factory.mktemp("planning"))
    with in_process(ServiceSettings(releases=str(folder))) as service:
        yield service


def day(week):
    """The Saturday of the n-th week ahead, from 1."""
    return str(CUTOFF + week * WEEK)


def ask(client, isbn=CAFE, status=200, **body):
    answer = client.post(f"/books/{isbn}/what-if", json={"horizon": 10, "levels": [80], **body})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_without_a_plan_both_forecasts_are_the_release_s(client):
    found = ask(client)
    assert found["plain"] == found["changed"]
    weekly = client.get(f"/books/{CAFE}/forecast", params={"horizon": 10, "level": 80}).json()
    assert found["plain"]["mean"] == weekly["mean"]
    assert found["plain"]["intervals"] == weekly["intervals"]
    assert found["weeks"] == weekly["weeks"]
    demand = client.get(f"/books/{CAFE}/demand", params={"weeks": 10, "level": 80}).json()
    assert found["plain"]["sum"]["mean"] == pytest.approx(demand["mean"], abs=0.01)
    assert found["plain"]["sum"]["intervals"][0]["upper"] == pytest.approx(
        demand["intervals"][0]["upper"], abs=0.01
    )
    assert found["difference"] == {"copies": 0.0, "share": 0.0}


def test_a_promotion_changes_its_weeks_and_the_sum(client):
    found = ask(client, promotions=[{"first_week": day(5), "last_week": day(6), "depth": 0.5}])
    plain, changed = (1.0 + np.array(found[name]["mean"]) for name in ("plain", "changed"))
    expected = np.ones(10)
    expected[4:6] = 2.0
    # Week 3 is planned already, and the depth 0.25 is part of the plain forecast.
    expected[2] = 2.0 ** (0.25 / 0.5)
    np.testing.assert_allclose((changed / plain)[[0, 1, 3, 6]], 1.0, rtol=1e-3)
    np.testing.assert_allclose((changed / plain)[4:6], expected[4:6], rtol=1e-3)
    before, after = (found[name]["sum"]["mean"] for name in ("plain", "changed"))
    assert found["difference"]["copies"] == pytest.approx(after - before, abs=0.01)
    assert found["plan"] == [{"isbn": CAFE, "week": day(week), "depth": 0.5} for week in (5, 6)]


def test_the_interval_of_a_promoted_week_has_the_reach_of_promotions(client):
    found = ask(client, promotions=[{"first_week": day(5), "depth": 0.5}])
    reaches = [
        np.log1p(part["intervals"][0]["upper"][4]) - np.log1p(part["mean"][4])
        for part in (found["plain"], found["changed"])
    ]
    assert reaches[1] == pytest.approx(1.3 * reaches[0], rel=0.01)


def test_any_day_of_a_week_stands_for_it(client):
    sunday = str(CUTOFF + 4 * WEEK + dt.timedelta(days=1))
    found = ask(client, promotions=[{"first_week": sunday, "depth": 0.3}])
    assert [row["week"] for row in found["plan"]] == [day(5)]


def test_a_level_of_ones_own_falls_by_half(client):
    own = {"factor": 2.0, "first_week": day(3), "half_life": 2}
    found = ask(client, PLAIN, own_level=own)
    plain, changed = (np.array(found[name]["mean"]) for name in ("plain", "changed"))
    expected = [1.0, 1.0, *(1.0 + 0.5 ** (np.arange(8) / 2.0))]
    np.testing.assert_allclose(changed / plain, expected, rtol=1e-3)
    bounds = [np.array(found[name]["intervals"][0]["upper"]) for name in ("plain", "changed")]
    np.testing.assert_allclose(bounds[1] / bounds[0], expected, rtol=1e-3)


def test_a_level_without_a_half_life_stays(client):
    found = ask(client, own_level={"factor": 0.5, "first_week": day(1)})
    ratio = found["changed"]["sum"]["mean"] / found["plain"]["sum"]["mean"]
    assert ratio == pytest.approx(0.5, rel=1e-3)


def test_a_campaign_changes_the_share_of_the_models_that_take_it(client):
    campaign = {"name": "advertising", "value": 10, "first_week": day(4), "last_week": day(5)}
    found = ask(client, regressors=[campaign])
    plain, changed = (np.array(found[name]["mean"]) for name in ("plain", "changed"))
    expected = np.zeros(10)
    expected[3:5] = 0.5 * 41.0 * 0.2
    np.testing.assert_allclose(changed - plain, expected, atol=0.01)
    assert found["notes"] == []


def test_a_price_stands_for_the_regressor_of_prices(client):
    found = ask(client, price={"value": 6.0, "first_week": day(1), "last_week": day(10)})
    plain, changed = (np.array(found[name]["mean"]) for name in ("plain", "changed"))
    expected = 0.5 * 41.0 * np.expm1(-0.1 * (6.0 - 8.0))
    np.testing.assert_allclose(changed - plain, expected, atol=0.01)
    assert "futures: {price: known}" in found["notes"][0]


def test_a_title_that_does_not_react_says_so(client):
    found = ask(client, HUNGRY, promotions=[{"first_week": day(2), "depth": 0.4}])
    assert found["changed"] == found["plain"]
    assert found["notes"][0].startswith("This title's forecast does not react to promotions: ")
    campaign = {"name": "advertising", "value": 1e6, "first_week": day(2)}
    found = ask(client, HUNGRY, regressors=[campaign])
    assert found["changed"] == found["plain"]
    assert "does not react to advertising" in found["notes"][0]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"promotions": [{"first_week": day(0), "depth": 0.2}]}, "promotions.0.first_week"),
        ({"promotions": [{"first_week": day(105), "depth": 0.2}]}, "within the 104 weeks"),
        ({"promotions": [{"first_week": day(3), "depth": 1.1}]}, "less than or equal to 1"),
        ({"promotions": [{"first_week": day(3), "depth": -0.1}]}, "greater than or equal to 0"),
        (
            {"promotions": [{"first_week": day(3), "last_week": day(2), "depth": 0.1}]},
            "before first_week",
        ),
        ({"promotions": [{"first_week": "soon", "depth": 0.1}]}, "valid date"),
        ({"promotions": [{"first_week": day(3), "depth": 0.1}] * 51}, "at most 50"),
        ({"own_level": {"factor": 101, "first_week": day(2)}}, "less than or equal to 100"),
        (
            {"own_level": {"factor": 2, "first_week": day(2), "half_life": 0}},
            "greater than or equal to 0.1",
        ),
        ({"own_level": {"factor": False, "first_week": day(2)}}, "valid number"),
        ({"horizon": True}, "valid integer"),
        ({"horizon": 105}, "less than or equal to 104"),
        ({"levels": [99.5]}, "less than or equal to 99"),
        ({"promotion": []}, "Extra inputs"),
        (
            {"regressors": [{"name": "snow", "value": 1, "first_week": day(1)}]},
            "no regressor 'snow', so it cannot answer for it. It has advertising, price, weather.",
        ),
        (
            {"regressors": [{"name": "advertising", "value": 31, "first_week": day(1)}]},
            "not within -10 to 30",
        ),
        ({"price": {"value": 20.0, "first_week": day(1)}}, "not within 3 to 11"),
        ({"price": {"value": -1.0, "first_week": day(1)}}, "greater than 0"),
    ],
)
def test_out_of_bounds_is_422_and_names_the_bound(client, body, message):
    assert message in ask(client, status=422, **body)["detail"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "body: "),
        (b"[]", "body: "),
        (b"NaN", "body: "),
        (b'{"levels": [NaN]}', "levels.0: "),
        (b'{"horizon": 1e99}', "horizon: "),
    ],
)
def test_an_unusable_body_is_422(client, body, named):
    headers = {"Content-Type": "application/json"}
    answer = client.post(f"/books/{CAFE}/what-if", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(named)


@pytest.mark.parametrize("body", [b"{", b'{"horizon": 13', b"\xff\x01"])
def test_a_body_that_is_no_json_is_400(client, body):
    headers = {"Content-Type": "application/json"}
    answer = client.post(f"/books/{CAFE}/what-if", content=body, headers=headers)
    assert answer.status_code == 400
    assert set(answer.json()) == {"detail"}


def test_a_price_without_a_regressor_of_prices_is_422(client):
    detail = ask(client, PLAIN, 422, price={"value": 6.0, "first_week": day(1)})["detail"]
    assert "prices are no regressor" in detail
    assert "give its depth" in detail


def test_a_release_without_effects_says_what_to_run(tmp_path):
    folder = planning.write(tmp_path, without=("effects",))
    with in_process(ServiceSettings(releases=str(folder))) as client:
        detail = ask(client, status=422, promotions=[{"first_week": day(2), "depth": 0.4}])
        assert "kedro run --pipeline forecast" in detail["detail"]
        found = ask(client, own_level={"factor": 3.0, "first_week": day(1)})
        ratio = found["changed"]["sum"]["mean"] / found["plain"]["sum"]["mean"]
        assert ratio == pytest.approx(3.0, rel=1e-3)


def test_unknown_titles_are_404(client):
    assert "is not in release" in ask(client, "9780000000002", 404)["detail"]


def test_the_file_is_the_promotions_of_the_plan(client):
    promotions = [
        {"first_week": day(2), "last_week": day(3), "depth": 0.25},
        {"first_week": day(3), "depth": 1 / 3},
        {"first_week": day(60), "depth": 0},
    ]
    answer = client.post(
        f"/books/{CAFE}/what-if", params={"format": "csv"}, json={"promotions": promotions}
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert f'filename="promotions-{CAFE}-{day(2)}.csv"' in answer.headers["content-disposition"]
    assert answer.text.splitlines() == [
        "isbn,week,depth",
        f"{CAFE},{day(2)},0.25",
        f"{CAFE},{day(3)},0.333333",
        f"{CAFE},{day(60)},0",
    ]
    answer = client.post(f"/books/{CAFE}/what-if", params={"format": "csv"}, json={})
    assert answer.status_code == 422


def test_a_plan_beyond_the_horizon_is_seen_by_longer_ones(client):
    late = {"first_week": day(LONGEST_HORIZON), "depth": 0.5}
    assert ask(client, promotions=[late])["difference"]["copies"] == pytest.approx(0.0, abs=0.01)
    found = ask(client, promotions=[late], horizon=LONGEST_HORIZON)
    assert found["difference"]["copies"] > 0.9 * found["plain"]["mean"][-1]
