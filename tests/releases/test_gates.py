"""Which candidates become champion."""

import numpy as np
import pytest

from book_forecast.options.groups import PromoteOptions
from book_forecast.releases.gates import Errors, judge

GOOD = {
    "test_wape": 0.3,
    "test_wape_seasonal_naive": 0.4,
    "test_coverage-80": 0.81,
    "test_coverage-80_naive": 0.2,
    "test_coverage-95": 0.94,
    "n_titles": 100.0,
    "n_fallbacks": 3.0,
}
OPTIONS = PromoteOptions()


def errors(ratio: float, titles: int = 40, noise: float = 0.05) -> Errors:
    """The candidate's errors as multiples of the champion's, about the same in each title."""
    generator = np.random.default_rng(1)
    theirs = np.exp(generator.normal(0.0, 0.3, titles))
    ours = theirs * ratio * np.exp(generator.normal(0.0, noise, titles))
    return Errors(0.3 * ratio, 0.3, tuple(ours), tuple(theirs))


def failed(metrics: dict, compared: Errors | None = None, champion: str | None = "old") -> list:
    verdict = judge("new", champion, metrics, compared, OPTIONS)
    return [gate.name for gate in verdict.gates if not gate.passed]


def test_a_candidate_that_passes_all_gates_is_promoted():
    verdict = judge("new", "old", GOOD, errors(0.95), OPTIONS)
    assert verdict.promote
    assert verdict.why == "passed all gates"
    assert len(verdict.gates) == 6


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"test_wape": 0.41}, "seasonal naive"),
        ({"test_coverage-80": 0.65}, "coverage of 80 %"),
        ({"test_coverage-95": 0.84}, "coverage of 95 %"),
        ({"n_fallbacks": 21.0}, "fallbacks"),
    ],
)
def test_each_gate_fails_by_its_name(changes, gate):
    verdict = judge("new", "old", GOOD | changes, errors(1.0), OPTIONS)
    assert not verdict.promote
    assert verdict.why == f"failed {gate}"


def test_clearly_worse_errors_than_the_champions_fail():
    assert failed(GOOD, errors(1.1)) == ["champion"]


def test_errors_a_little_worse_pass():
    assert failed(GOOD, errors(1.015)) == []


def test_errors_that_a_paired_test_cannot_tell_apart_pass():
    assert failed(GOOD, errors(1.03, noise=1.5)) == []


def test_with_too_few_titles_for_a_test_the_ratio_decides():
    assert failed(GOOD, errors(1.1, titles=3)) == ["champion"]
    assert failed(GOOD, errors(1.01, titles=3)) == []


def test_the_same_specifications_are_not_worse_than_themselves():
    assert failed(GOOD, errors(1.0, noise=0.0)) == []


def test_titles_that_never_sold_are_no_obstacle():
    assert failed(GOOD, Errors(float("nan"), 0.0, (), ())) == []


def test_the_first_release_of_all_is_promoted_and_says_what_it_failed():
    verdict = judge("new", None, GOOD | {"test_wape": 0.5}, None, OPTIONS)
    assert verdict.promote
    assert verdict.why == "the first release of all, though it failed seasonal naive"
    assert "Gate seasonal naive: FAILED (WAPE 0.500, at most 0.400)" in verdict.told()


def test_without_test_weeks_nothing_says_that_a_candidate_is_good():
    assert "seasonal naive" in failed({"n_titles": 3.0, "n_fallbacks": 0.0})
