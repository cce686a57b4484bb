"""What the forecasts of a release consist of."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from book_forecast.forecasters.calibration import BANDS, ERROR_PROBABILITIES, Calibration
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.families import FORECASTERS
from book_forecast.forecasters.naive import Naive, SeasonalNaive
from book_forecast.options.groups import SelectionOptions
from book_forecast.payload.contents import read_payload
from book_forecast.payload.weight import Weight
from book_forecast.pipelines.forecast.explanations import (
    EXPLANATION_TYPES,
    TitleModel,
    explain_forecasts,
    explain_title,
)
from book_forecast.releases.assembly import state_without_weeks
from tests.histories import ALONE, checkpoints_in, history
from tests.releases import payloads

WEEKS = (
    np.random.default_rng(0).poisson(30.0 + 20.0 * (np.arange(120) % 52 > 40), 120).astype(float)
)
CALIBRATION = Calibration(
    np.tile(np.linspace(-1, 1, len(ERROR_PROBABILITIES)), (len(BANDS), 1)), 0.3, 32
)
HOLIDAYS = 0.5 * (np.arange(104) % 52 == 5)


@dataclass(frozen=True)
class Telling(SeasonalNaive):
    """A model that knows of a feast."""

    family: ClassVar[str] = "telling"

    def explain(self, horizon):
        mean = np.log1p(self.forecast(horizon, ()).mean)
        holidays = HOLIDAYS[:horizon]
        return {"level": mean - holidays, "season": 0.0 * mean, "holidays": holidays}


@pytest.fixture(autouse=True)
def known_family(monkeypatch):
    monkeypatch.setitem(FORECASTERS, Telling.family, Telling)


def make_ensemble(**weights):
    """An ensemble of families by weight, of the first and of the eighth week."""
    known = history(WEEKS)
    models: dict[str, Any] = {"telling": Telling, "seasonal_naive": SeasonalNaive, "naive": Naive}
    members = {name: models[name].fit(known) for name in weights}
    moving = {name: Weight(near, far, 8) for name, (near, far) in weights.items()}
    return Ensemble(members, moving, CALIBRATION, 0.2, WEEKS)


@pytest.fixture
def release(tmp_path):
    """Three titles: the second and third have ensembles, of which the third's tells no parts."""
    payload = read_payload(payloads.write(tmp_path))
    ensembles = [
        make_ensemble(telling=(0.6, 0.4), seasonal_naive=(0.2, 0.4), naive=(0.2, 0.2)),
        make_ensemble(seasonal_naive=(0.6, 0.6), naive=(0.4, 0.4)),
    ]
    states = [state_without_weeks(json.dumps(e.to_state())) for e in ensembles]
    columns = {"model": ["zero", "ensemble", "ensemble"], "state": ["{}", *states]}
    titles = payload.titles
    for name, values in columns.items():
        titles = titles.set_column(titles.schema.get_field_index(name), name, pa.array(values))
    volumes = pa.chunked_array([pa.array([list(WEEKS)] * 3)])
    return type(payload)(**{**vars(payload), "titles": titles, "volumes": volumes})


def explained(release, horizon):
    with checkpoints_in(None) as checkpoints:
        return explain_forecasts(release, SelectionOptions(), horizon, ALONE, checkpoints)


def factors(found, isbn):
    rows = found[(found["isbn"] == isbn) & (found["kind"] == "part")]
    return rows.pivot_table(index="week", columns="name", values="value")


def test_each_member_is_told_with_its_weight_by_week(release):
    found = explained(release, 8)
    members = found[(found["isbn"] == payloads.isbn(1)) & (found["kind"] == "member")]
    weights = members.groupby("name", sort=False)["weight"]
    assert weights.first().to_dict() == {"telling": 0.6, "seasonal_naive": 0.2, "naive": 0.2}
    assert weights.last().to_dict() == {"telling": 0.4, "seasonal_naive": 0.4, "naive": 0.2}
    weeks = members.loc[members["name"] == "naive", "week"]
    assert weeks.iloc[0] == pd.Timestamp(payloads.CUTOFF) + pd.Timedelta(weeks=1)
    assert len(weeks) == 8
    assert set(members.loc[members["name"] == "naive", "value"]) == {WEEKS[-1]}


@pytest.mark.parametrize("horizon", [1, 32, 104])
@pytest.mark.parametrize("title", [1, 2])
def test_the_parts_multiply_to_one_more_than_the_mean(release, title, horizon):
    isbn = payloads.isbn(title)
    found = explained(release, horizon)
    members = found[(found["isbn"] == isbn) & (found["kind"] == "member")]
    mean = (members["value"] * members["weight"]).groupby(members["week"]).sum()
    product = factors(found, isbn).prod(axis=1)
    np.testing.assert_allclose(product, mean + 1.0, rtol=1e-9)
    assert len(product) == horizon


def test_parts_are_those_of_the_heaviest_member_that_can_tell(release):
    told = factors(explained(release, 8), payloads.isbn(1))
    assert told["holidays"].to_numpy() == pytest.approx(np.exp(HOLIDAYS[:8]))
    assert np.ptp(told["level"]) == 0
    assert told["trend"].iloc[0] == 1.0


def test_where_no_member_can_tell_there_is_a_season_and_nothing_is_called_a_feast(release):
    told = factors(explained(release, 8), payloads.isbn(2))
    assert set(told) == {"level", "trend", "season", "other"}
    assert np.ptp(told["season"]) > 0


def test_a_longer_horizon_does_not_change_the_weeks_before(release):
    short, long = (explained(release, horizon) for horizon in (4, 40))
    both = short.merge(long, on=["isbn", "week", "kind", "name"])
    assert len(both) == len(short)
    np.testing.assert_array_equal(both["value_x"], both["value_y"])


def test_a_title_of_one_model_is_not_explained(release):
    assert payloads.isbn(0) not in set(explained(release, 8)["isbn"])


def test_a_release_without_ensembles_has_an_empty_table(tmp_path):
    found = explained(read_payload(payloads.write(tmp_path)), 8)
    assert found.empty
    assert found.dtypes.astype(str).to_dict() == {
        name: str(pd.Series(dtype=kind).dtype) for name, kind in EXPLANATION_TYPES.items()
    }


def test_a_title_whose_parts_are_no_numbers_is_left_out_with_a_warning(caplog):
    broken = make_ensemble(naive=(1.0, 1.0))
    members, whole = {"naive": Naive(np.nan, 1.0)}, {"naive": Weight.steady(1.0)}
    task = TitleModel("1", Ensemble(members, whole, CALIBRATION, 0.2, WEEKS), 8)
    assert explain_title(task) is None
    assert "1 is forecast, but not explained" in caplog.text
    assert explain_title(TitleModel("1", broken, 8)) is not None
