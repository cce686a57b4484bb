"""The level of a launch is that of titles which share what tells levels in this panel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from book_forecast.forecasters.launches.levels import Levels
from book_forecast.forecasters.launches.past_launches import Facts

TEXTS = ("author", "imprint", "binding")
HEIGHTS = np.array([-0.8, 0.8])


def learned(facts: list[Facts], levels: np.ndarray, starts: np.ndarray | None = None) -> Levels:
    n = len(facts)
    starts = np.zeros(n) if starts is None else starts
    return Levels.learn(
        [str(row) for row in range(n)], facts, levels, np.full(n, 0.02), starts, 1.0
    )


def noise(n: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0.0, 0.2, n)


def with_text(name: str, value: str) -> Facts:
    texts: dict[str, Any] = {name: value}
    return Facts("F", **texts)


@pytest.mark.parametrize("name", TEXTS)
def test_titles_that_share_a_text_have_levels_alike(name: str) -> None:
    high = np.arange(40) % 2
    known = [with_text(name, f"text {number}") for number in high]
    levels = learned(known, HEIGHTS[high] + noise(40))
    low_one, high_one = (levels.of(with_text(name, f"TEXT {n}"), 0.0) for n in (0, 1))
    assert high_one[0] > 0.5 > -0.5 > low_one[0]
    assert high_one[1] < levels.of(Facts("F"), 0.0)[1]
    assert levels.of(with_text(name, "another"), 0.0)[0] == pytest.approx(0.0, abs=0.2)


def test_titles_of_a_near_price_have_levels_alike() -> None:
    high = np.arange(40) % 2
    known = [Facts("F", price=(6.0, 25.0)[number]) for number in high]
    levels = learned(known, HEIGHTS[high] + noise(40))
    assert levels.of(Facts("F", price=24.0), 0.0)[0] > 0.5
    assert levels.of(Facts("F", price=6.5), 0.0)[0] < -0.5
    assert levels.of(Facts("F", price=1000.0), 0.0)[0] == pytest.approx(0.0, abs=0.2)
    assert levels.of(Facts("F"), 0.0)[0] == pytest.approx(0.0, abs=0.2)


def test_a_text_counts_by_what_it_tells_in_this_panel() -> None:
    high = np.arange(40) % 2
    facts = [Facts("F", imprint=f"imprint {number}") for number in high]
    told = {}
    for name, heights in (("much", HEIGHTS), ("nothing", np.zeros(2))):
        # What else titles differ by is the same in both.
        apart = np.random.default_rng(2).normal(0.0, 0.8, 40)
        apart -= np.where(high == 1, apart[high == 1].mean() - 0.4, apart[high == 0].mean() + 0.4)
        found = heights[high] + (0.2 * noise(40) if name == "much" else apart)
        one = learned(facts, found).of(Facts("F", imprint="imprint 1"), 0.0)[0]
        told[name] = one / float(found[high == 1].mean())
    assert told["much"] > told["nothing"] + 0.05


def test_a_title_of_another_class_is_compared_by_its_copies() -> None:
    facts = [Facts("T"), *[Facts("F")] * 9]
    # The curve of its class starts two units above that of the new title.
    starts = np.append(2.0, np.zeros(9))
    levels = learned(facts, np.zeros(10), starts)
    new = Facts("F", comparable=("0",))
    level, variance = levels.of(new, 0.0)
    assert 1.0 < level < 2.0
    assert variance < levels.of(replace(new, comparable=()), 0.0)[1]
    assert levels.of(new, 2.0)[0] == pytest.approx(0.0, abs=0.1)
    # A launch that is left out is no title to compare itself with.
    assert levels.of(new, 0.0, without=0)[0] == pytest.approx(0.0, abs=0.1)
