"""Laws of the simulation that chooses the number of shards."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.stragglers import (
    SHARDS,
    TITLE_SECONDS,
    Containers,
    choose,
    draw_titles,
    simulate,
    simulate_all,
)

UNDISTURBED = Containers(
    cores=4,
    at_once=10**6,
    start=0.0,
    read=0.0,
    wait=0.0,
    slow_share=0.0,
    hours_between_losses=float("inf"),
)
ROUGH = replace(UNDISTURBED, start=7.0, hours_between_losses=0.02)


def run(containers, shards=32, titles=20_000, seed=0):
    seconds = draw_titles(titles, np.random.default_rng(seed))
    return simulate(seconds, shards, containers, np.random.default_rng([seed, 1])), seconds


def test_titles_take_as_long_in_the_mean_as_was_measured():
    seconds = draw_titles(200_000, np.random.default_rng(0))
    assert seconds.mean() == pytest.approx(TITLE_SECONDS, rel=0.01)


@pytest.mark.parametrize("shards", [1, 5, 50])
def test_undisturbed_the_run_takes_work_over_cores(shards):
    seconds = np.full(10_000, 0.5)
    outcome = simulate(seconds, shards, UNDISTURBED, np.random.default_rng(0))
    assert outcome.wall == pytest.approx(seconds.sum() / (shards * UNDISTURBED.cores))
    assert outcome.billed == pytest.approx(seconds.sum())
    assert outcome.starting == outcome.lost == 0.0
    assert not outcome.resumed


@pytest.mark.parametrize("at_once", [1, 8, 32])
def test_places_bound_the_run_from_both_sides(at_once):
    outcome, seconds = run(replace(UNDISTURBED, at_once=at_once))
    shard = max(part.sum() for part in np.array_split(seconds, 32)) / UNDISTURBED.cores
    even = seconds.sum() / UNDISTURBED.cores / at_once
    # Graham's bound of list scheduling.
    assert even <= outcome.wall * (1 + 1e-9)
    assert outcome.wall <= even + 1.01 * shard


@pytest.mark.parametrize("seed", range(5))
def test_a_container_that_is_taken_away_never_makes_a_run_cheaper_or_shorter(seed):
    calm, _ = run(replace(ROUGH, hours_between_losses=float("inf")), seed=seed)
    rough, _ = run(ROUGH, seed=seed)
    assert rough.lost > 0.0
    assert rough.billed > calm.billed
    assert rough.wall > calm.wall
    useful = rough.billed - rough.starting - rough.lost
    assert useful == pytest.approx(calm.billed - calm.starting)


@pytest.mark.parametrize("longer", [{"delay": 120.0}, {"backoff": 3.0}, {"resumed_after": 7200.0}])
def test_longer_pauses_cost_time_and_no_money(longer):
    usual, _ = run(ROUGH)
    patient, _ = run(replace(ROUGH, **longer))
    assert patient.wall >= usual.wall
    assert patient.billed == usual.billed


def test_retries_pause_as_configured_and_then_somebody_resumes():
    containers = Containers(max_retries=2, delay=60.0, backoff=2.0, resumed_after=1800.0)
    assert [containers.pause(n) for n in range(6)] == [60, 120, 1800, 60, 120, 1800]


def test_slow_machines_stretch_the_run_by_their_factor():
    usual, _ = run(UNDISTURBED)
    slow, _ = run(replace(UNDISTURBED, slow_share=1.0, slow_factor=1.5))
    assert slow.wall == pytest.approx(1.5 * usual.wall)


def test_the_same_seed_gives_the_same_table():
    first, second = (simulate_all(5_000, Containers(), 3, 2) for _ in range(2))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert list(first.index) == list(SHARDS)


def test_the_choice_fits_and_is_hardly_dearer_than_the_cheapest():
    rows = simulate_all(100_000, Containers(), 1, 5)
    memory = rows["GB"].iloc[3]
    chosen = rows.loc[choose(rows, memory)]
    assert chosen["GB"] <= memory
    assert chosen["core-hours"] <= 1.05 * rows.loc[rows["GB"] <= memory, "core-hours"].min()
    assert choose(rows, 0.0) is None
