from dataclasses import replace

import numpy as np
import pytest

from book_forecast.sample import effects, prices
from book_forecast.sample.archetypes import Kind, draw_character
from book_forecast.sample.character import (
    Character,
    Launch,
    ProductClass,
    TieIn,
)
from book_forecast.sample.weeks import SampleWeeks


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def character(rng: np.random.Generator, weeks: SampleWeeks) -> Character:
    drawn = draw_character(Kind.BACKLIST, ProductClass.FICTION, 8.99, len(weeks), rng)
    return replace(drawn, first=-200, last=None)


def test_seasons_without_peaks_change_nothing(weeks: SampleWeeks, rng: np.random.Generator) -> None:
    assert (effects.seasons(weeks, {}, rng) == 1.0).all()


def test_a_peak_reaches_about_its_height_and_no_two_years_are_alike(
    weeks: SampleWeeks, rng: np.random.Generator
) -> None:
    multiplier = effects.seasons(weeks, {"christmas": 6.0}, rng)
    christmases = [
        multiplier[(weeks.intervals >= year * 100) & (weeks.intervals <= year * 100 + 53)].max()
        for year in range(2012, 2024)
    ]
    assert 4.0 < np.mean(christmases) < 6.5
    assert len(set(christmases)) == len(christmases)


def test_a_launch_decays_to_the_backlist_level(weeks: SampleWeeks, character: Character) -> None:
    launched = replace(character, first=100, launch=Launch(height=20.0, weeks=8.0))
    multiplier = effects.launch(weeks, launched)
    assert multiplier[100] < multiplier[101]
    assert (np.diff(multiplier[101:]) < 0).all()
    assert multiplier[101] > 15
    assert multiplier[-1] == pytest.approx(1.0, abs=0.01)


def test_a_title_sells_from_its_first_week_to_its_last(
    weeks: SampleWeeks, character: Character
) -> None:
    selling = effects.on_sale(weeks, replace(character, first=10, last=300))
    assert np.flatnonzero(selling).tolist() == list(range(10, 301))
    assert selling[300] < selling[250] < selling[10]


def test_a_film_steps_up_and_leaves_a_lasting_gain(
    weeks: SampleWeeks, character: Character
) -> None:
    film = TieIn(week=200, height=4.0, weeks=10.0, lasting=1.5)
    multiplier = effects.tie_in(weeks, replace(character, tie_in=film))
    assert multiplier[150] == pytest.approx(1.0, abs=0.01)
    assert multiplier[200] == 4.0
    assert multiplier[-1] == pytest.approx(1.5, abs=0.01)


def test_the_level_wanders_but_comes_back(weeks: SampleWeeks, character: Character) -> None:
    ends, starts = [], []
    for seed in range(300):
        level = np.log(
            effects.drift(weeks, replace(character, drift=0.025), np.random.default_rng(seed))
        )
        starts.append(level[0])
        ends.append(level[-1])
    stationary = 0.025 / np.sqrt(1 - effects.DRIFT_PERSISTENCE**2)
    assert np.std(starts) == pytest.approx(stationary, rel=0.15)
    assert np.std(ends) == pytest.approx(stationary, rel=0.15)
    assert np.mean(ends) == pytest.approx(0.0, abs=0.05)


def test_noise_lasts_into_the_next_week(weeks: SampleWeeks, character: Character) -> None:
    draws = [
        np.log(effects.noise(weeks, character, np.random.default_rng(seed))) for seed in range(20)
    ]
    correlations = [np.corrcoef(draw[:-1], draw[1:])[0, 1] for draw in draws]
    assert np.mean(correlations) == pytest.approx(effects.NOISE_PERSISTENCE, abs=0.05)
    assert np.mean([np.std(draw) for draw in draws]) == pytest.approx(character.noise, rel=0.1)


def test_counts_have_the_variance_of_a_negative_binomial(rng: np.random.Generator) -> None:
    drawn = effects.counts(np.full(200_000, 50.0), 5.0, rng)
    assert drawn.mean() == pytest.approx(50, rel=0.02)
    assert drawn.var() == pytest.approx(50 + 50**2 / 5, rel=0.05)


def test_a_promotion_lowers_the_price_and_lifts_the_copies(
    weeks: SampleWeeks, character: Character
) -> None:
    pricing = replace(character.pricing, promotions=1.0, depth=0.3, discount=0.2, elasticity=2.0)
    rng = np.random.default_rng(3)
    depth = prices.promotion_depth(weeks, pricing, rng)
    promoted = depth > 0
    assert 0.02 < promoted.mean() < 0.3
    asp = prices.average_selling(
        np.full(len(weeks), 10.0), depth, np.full(len(weeks), 500.0), pricing.discount, rng
    )
    assert asp[~promoted].mean() == pytest.approx(8.0, rel=0.01)
    assert asp[promoted].max() < asp[~promoted].min()
    assert (prices.promotion_lift(depth, 2.0)[promoted] > 1.4).all()
    assert (prices.promotion_lift(depth, 2.0)[~promoted] == 1.0).all()


def test_recommended_prices_only_rise(weeks: SampleWeeks, character: Character) -> None:
    rrp = prices.recommended(weeks, replace(character.pricing, rises=0.5), np.random.default_rng(1))
    assert rrp[0] == 8.99
    assert rrp[-1] > rrp[0]
    assert (np.diff(rrp) >= 0).all()
