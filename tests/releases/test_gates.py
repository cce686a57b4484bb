"""Which candidates become champion."""

import numpy as np
import pytest

from book_forecast.options.groups import PromoteOptions
from book_forecast.releases.gates import (
    Comparison,
    Gate,
    Measures,
    Verdict,
    hold_back,
    judge,
    with_challenge,
)

OPTIONS = PromoteOptions()
COVERAGE = {"80": np.full(100, 0.81), "95": np.full(100, 0.94)}


def measures(wape=0.3, baseline_wape=0.4, coverage=None, fallbacks=0.03) -> Measures:
    return Measures(wape, baseline_wape, {**COVERAGE, **(coverage or {})}, fallbacks)


def comparison(ratio=1.0, titles=40, noise=0.05, **changes) -> Comparison:
    """A candidate whose errors are multiples of the champion's, about the same in every week."""
    generator = np.random.default_rng(1)
    theirs = generator.gamma(2.0, 5.0, (titles, 32))
    ours = theirs * ratio * np.exp(generator.normal(0.0, noise, theirs.shape))
    made = {
        "champion": "old",
        "candidate_errors": ours,
        "champion_errors": theirs,
        "measures": measures(),
        "compared": titles,
        "living": titles,
    }
    return Comparison(**{**made, **changes})


def judged(candidate: Measures, beside: Comparison | None, **options) -> Verdict:
    return judge("new", candidate, beside, PromoteOptions(**options))


def gate(verdict: Verdict, name: str) -> Gate:
    return {gate.name: gate for gate in verdict.gates}[name]


def test_a_candidate_that_passes_all_gates_is_promoted():
    verdict = judged(measures(), comparison(0.95))
    assert verdict.promote
    assert verdict.why == "passed all gates"
    assert len(verdict.gates) == 6
    assert {gate.status for gate in verdict.gates} == {"passed"}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"wape": 0.41}, "seasonal naive"),
        ({"coverage": {"80": np.full(100, 0.6)}}, "coverage of 80 %"),
        ({"coverage": {"95": np.full(100, 0.75)}}, "coverage of 95 %"),
        ({"fallbacks": 0.21}, "fallbacks"),
    ],
)
def test_each_absolute_gate_fails_by_its_name(changes, name):
    verdict = judged(measures(**changes), comparison())
    assert not verdict.promote
    assert verdict.why == f"failed {name}"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"wape": 0.41}, "seasonal naive"),
        ({"coverage": {"80": np.full(100, 0.6)}}, "coverage of 80 %"),
        ({"fallbacks": 0.21}, "fallbacks"),
    ],
)
def test_what_the_champion_fails_as_badly_only_warns(changes, name):
    verdict = judged(measures(**changes), comparison(measures=measures(**changes)))
    assert verdict.promote
    assert gate(verdict, name).status == "warning"
    assert "the champion fails as badly" in gate(verdict, name).reason


def test_what_the_champion_fails_less_badly_fails():
    verdict = judged(measures(wape=0.5), comparison(measures=measures(wape=0.41)))
    assert verdict.why == "failed seasonal naive"


def test_intervals_that_are_too_wide_only_warn():
    verdict = judged(measures(coverage={"80": np.full(4, 0.914)}), comparison(titles=4))
    assert verdict.promote
    assert gate(verdict, "coverage of 80 %").status == "warning"


def test_intervals_too_narrow_by_chance_for_so_few_titles_only_warn():
    narrow = {"80": np.array([0.9, 0.4, 0.6, 0.7])}
    verdict = judged(measures(coverage=narrow), comparison(titles=4))
    assert verdict.promote
    assert gate(verdict, "coverage of 80 %").status == "warning"
    assert "may be chance" in gate(verdict, "coverage of 80 %").reason
    many = {"80": np.tile(narrow["80"], 50)}
    assert judged(measures(coverage=many), comparison()).why == "failed coverage of 80 %"


def test_errors_above_the_limit_of_chance_fail_whatever_the_tests_say():
    verdict = judged(measures(), comparison(1.2, titles=2, noise=2.0))
    assert verdict.why == "failed champion"
    assert "chance is no excuse" in gate(verdict, "champion").reason


def test_errors_a_little_worse_pass():
    assert judged(measures(), comparison(1.015)).promote


def test_errors_worse_in_every_week_fail_below_the_limit_of_chance():
    verdict = judged(measures(), comparison(1.06))
    assert verdict.why == "failed champion"
    reason = gate(verdict, "champion").reason
    assert reason.startswith("WAPE 1.0")
    assert "over 40 titles and 32 weeks" in reason
    assert "p = 0.000 by weeks; p = 0.000 by titles" in reason


def test_errors_that_no_test_can_tell_apart_pass():
    generator = np.random.default_rng(5)
    theirs = generator.gamma(2.0, 5.0, (4, 32))
    ours = np.roll(theirs, 1, axis=1) * 1.05
    verdict = judged(
        measures(), comparison(titles=4, candidate_errors=ours, champion_errors=theirs)
    )
    assert verdict.promote
    assert "by weeks" in gate(verdict, "champion").reason


def test_with_too_few_titles_and_weeks_for_a_test_the_ratio_decides():
    for ratio, passes in ((1.05, False), (1.01, True)):
        few = comparison(titles=3, candidate_errors=np.full((3, 4), ratio))
        few = Comparison(**{**vars(few), "champion_errors": np.ones((3, 4))})
        assert judged(measures(), few).promote is passes


def test_weeks_without_a_known_volume_do_not_count():
    errors = np.ones((3, 32))
    known = errors.copy()
    known[:, 5], known[1, 7] = np.nan, np.nan
    beside = comparison(titles=3, candidate_errors=known, champion_errors=errors)
    verdict = judged(measures(), beside)
    assert "over 3 titles and 31 weeks" in gate(verdict, "champion").reason


def test_the_same_forecasts_are_not_worse_than_themselves():
    assert judged(measures(), comparison(1.0, noise=0.0)).promote


def test_titles_that_never_sold_are_no_obstacle():
    nothing = np.zeros((2, 0))
    beside = comparison(
        titles=2,
        candidate_errors=nothing,
        champion_errors=nothing,
        measures=measures(wape=np.nan, baseline_wape=np.nan),
    )
    verdict = judged(measures(wape=np.nan, baseline_wape=np.nan), beside)
    assert verdict.promote
    assert gate(verdict, "seasonal naive").status == "warning"


def test_titles_that_cannot_be_compared_count_against_promotion():
    verdict = judged(measures(), comparison(compared=1, living=2))
    assert verdict.why == "failed titles"
    reason = gate(verdict, "titles").reason
    assert reason == "1 of the champion's 2 living titles compared, at least 80%"
    assert judged(measures(), comparison(compared=4, living=5)).promote
    assert judged(measures(), comparison(compared=0, living=0)).promote


def test_a_champion_that_cannot_be_fitted_again_names_the_command_that_decides():
    verdict = judged(measures(), comparison(measures=None, compared=0))
    assert verdict.why == "failed champion"
    assert "`kedro release promote` decides" in gate(verdict, "champion").reason


def test_the_first_release_of_all_is_promoted_and_says_what_it_failed():
    verdict = judged(measures(wape=0.5), None)
    assert verdict.promote
    assert verdict.why == "the first release of all, though it failed seasonal naive"
    assert "Gate seasonal naive: failed (WAPE 0.500, at most 0.400)" in verdict.lines()


def test_a_champion_that_is_judged_again_is_champion_already():
    verdict = judge("old", measures(wape=0.5), comparison(), OPTIONS)
    assert verdict.promote
    assert verdict.why == "is champion already"


def test_without_test_weeks_nothing_shows_that_a_candidate_is_good():
    verdict = judged(measures(wape=np.nan, baseline_wape=np.nan), comparison())
    assert "seasonal naive" in [gate.name for gate in verdict.failed]


def challenged(verdict: str, challenger: str = "new", champion: str = "old") -> dict:
    return {
        "test": 1,
        "challenger": challenger,
        "champion": champion,
        "verdict": verdict,
        "message": "new has won after 9 weeks.",
    }


@pytest.mark.parametrize(
    ("test", "promoted"),
    [
        (challenged("win"), True),
        (challenged("go on"), False),
        (challenged("lose"), False),
        (challenged("win", challenger="another"), False),
        (challenged("win", champion="former"), False),
        ({"test": None, "verdict": "none", "message": "", "metrics": {}}, False),
        (None, False),
    ],
)
def test_a_win_over_this_champion_is_asked_for(test, promoted):
    verdict = with_challenge(judged(measures(), comparison()), test)
    assert verdict.promote == promoted
    assert gate(verdict, "challenge").status == ("passed" if promoted else "failed")
    if test is None:
        assert "`kedro release challenge new`" in gate(verdict, "challenge").reason


def test_a_win_excuses_no_other_gate():
    worse = judged(measures(fallbacks=0.5), comparison())
    assert not with_challenge(worse, challenged("win")).promote


def test_the_first_release_and_the_champion_itself_need_no_win():
    for verdict in (judged(measures(), None), judge("old", measures(), comparison(), OPTIONS)):
        assert with_challenge(verdict, None) == verdict


NOTHING = np.empty((0, 32))


def test_titles_with_the_champions_specifications_need_no_comparison():
    beside = comparison(candidate_errors=NOTHING, champion_errors=NOTHING, compared=40, same=40)
    verdict = judged(measures(wape=np.nan, baseline_wape=np.nan), beside)
    assert verdict.promote
    assert [(gate.name, gate.status) for gate in verdict.gates] == [
        ("champion", "passed"),
        ("titles", "passed"),
        ("fallbacks", "passed"),
    ]


def test_titles_with_other_specifications_are_compared_whatever_is_the_same():
    assert judged(measures(), comparison(1.5, same=900)).why == "failed champion"


@pytest.mark.parametrize("beside", [comparison(0.9), None])
def test_nothing_new_is_promoted_on_a_broken_delivery(beside):
    verdict = judged(measures(), beside).model_dump(mode="json")
    held = Verdict.model_validate(hold_back(verdict, is_broken=True, problems=["A.", "B."]))
    assert not held.promote
    assert gate(held, "delivery").reason == "A. B."
    assert held.why == "failed delivery"
    passed = Verdict.model_validate(hold_back(verdict, is_broken=False, problems=["A."]))
    assert passed.promote
    assert gate(passed, "delivery").status == "passed"


def test_a_broken_delivery_leaves_the_champion_what_it_is():
    verdict = judge("old", measures(), comparison(), OPTIONS).model_dump(mode="json")
    held = Verdict.model_validate(hold_back(verdict, is_broken=True, problems=["A."]))
    assert held.promote
    # There is no candidate that could fail it.
    assert gate(held, "delivery").status == "warning"
    assert not held.failed
