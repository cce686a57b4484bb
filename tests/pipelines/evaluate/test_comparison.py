"""Candidate and champion are compared as specifications, on the same weeks."""

import pandas as pd
import pytest

from book_forecast.options.groups import EvaluateOptions, PromoteOptions, ShardOptions
from book_forecast.pipelines.evaluate.comparison import (
    choices,
    forecast_with_champion,
    judge_release,
)
from book_forecast.pipelines.evaluate.nodes import (
    forecast_known_weeks,
    make_score_table,
    score_titles,
    summarise_scores,
)
from book_forecast.pipelines.preprocess.nodes import split_weeks
from book_forecast.pipelines.train.nodes import (
    fit_release_titles,
    fit_titles,
    summarise_fits,
)
from book_forecast.pipelines.train.release import assemble_release
from book_forecast.storage.errors import UserError
from tests.histories import WHOLE, specifications_of, volumes, weeks_frame
from tests.releases import payloads

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
EVERYTHING = weeks_frame({isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)})
TRAINING, _ = split_weeks(EVERYTHING, 6)
TITLES = pd.DataFrame({"isbn": ISBNS, "title": list("ABC")})
FOLDS = EvaluateOptions(folds=1, step=6, min_train=40)
OURS = specifications_of(ISBNS)
# Of the second title the champion thinks otherwise; the third it does not know.
THEIRS = OURS.iloc[:2].assign(q=[0, 1])


def release(specifications, weeks, folder, name):
    models, distributions = fit_release_titles(weeks, specifications, 26, 1, WHOLE)
    draft = assemble_release(models.frame, distributions.frame, weeks, TITLES)
    return payloads.payload_of(draft, folder, name)


@pytest.fixture(scope="module")
def candidate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("candidate")
    return release(OURS, EVERYTHING, folder, "2024-07-08T05.00.00-00000002")


@pytest.fixture(scope="module")
def champion(tmp_path_factory):
    known = EVERYTHING[EVERYTHING["isbn"].isin(ISBNS[:2])]
    folder = tmp_path_factory.mktemp("champion")
    return release(THEIRS, known, folder, "2024-07-01T05.00.00-00000001")


def compare(champion, shard=WHOLE):
    parts = forecast_with_champion(TRAINING, OURS, champion, FOLDS, 6, [80, 95], 26, 1, shard)
    return [part.frame for part in parts]


@pytest.fixture(scope="module")
def scored():
    """What evaluate knows of the candidate."""
    models = fit_titles(TRAINING, OURS, 26, 1, WHOLE).frame
    parts = forecast_known_weeks(TRAINING, models, FOLDS, 6, [80, 95], 1, WHOLE)
    test, rolling = (part.frame for part in parts)
    scores = score_titles(test, rolling, models, EVERYTHING, [80, 95])
    metrics = summarise_scores(scores, summarise_fits(models, models))
    return {
        "test_forecasts": test,
        "backtest_forecasts": rolling,
        "training_models": models,
        "model_input": EVERYTHING,
        "score_table": make_score_table(scores, models, TITLES),
        "metrics": metrics,
        "levels": [80, 95],
        "options": PromoteOptions(coverage_tolerance=1.0, max_of_baseline=9.0),
    }


def judged(candidate, champion, scored, theirs):
    return judge_release(
        candidate=candidate,
        champion=champion,
        champion_test_forecasts=theirs[0],
        champion_backtest_forecasts=theirs[1],
        **scored,
    )


def test_a_release_tells_what_it_has_chosen(champion):
    chosen = choices(champion)
    assert set(chosen) == set(ISBNS[:2])
    second = chosen[ISBNS[1]].candidate
    assert second is not None
    assert second.specification.q == 1
    assert choices(None) == {}


def test_only_titles_with_another_specification_are_fitted_again(champion):
    test, rolling = compare(champion)
    assert set(test["isbn"]) == set(rolling["isbn"]) == {ISBNS[1]}
    assert set(test["model"]) == {champion.release}
    assert set(test["cutoff"]) == {TRAINING["week"].max()}
    assert len(test) == len(rolling) == 6


def test_shards_compare_what_one_run_compares(champion):
    whole = compare(champion)
    shards = [compare(champion, ShardOptions(index=k, count=2)) for k in (1, 2)]
    for i in (0, 1):
        joined = pd.concat([shard[i] for shard in shards], ignore_index=True)
        pd.testing.assert_frame_equal(joined, whole[i], check_exact=True)


def test_without_a_champion_nothing_is_compared_and_the_first_release_is_promoted(
    candidate, scored
):
    theirs = compare(None)
    assert [len(frame) for frame in theirs] == [0, 0]
    scores, verdict = judged(candidate, None, scored, theirs)
    assert verdict["promote"]
    assert verdict["champion"] is None
    assert scores["release"] == verdict["release"] == candidate.release
    assert scores["table"]["isbn"].tolist() == ISBNS


def test_the_same_specifications_make_the_same_errors(candidate, scored, tmp_path):
    twin = release(OURS, EVERYTHING, tmp_path, "2024-07-01T05.00.00-00000001")
    _, verdict = judged(candidate, twin, scored, compare(twin))
    gate = verdict["gates"][0]
    assert gate["name"] == "champion"
    assert "WAPE 1.000 times the champion's" in gate["reason"]


def test_a_champion_that_came_after_the_comparison_is_refused(
    candidate, champion, scored, tmp_path
):
    another = release(OURS, EVERYTHING, tmp_path, "2024-07-02T05.00.00-00000003")
    with pytest.raises(UserError, match=f"champion is {another.release} by now, but .* evaluate"):
        judged(candidate, another, scored, compare(champion))


def test_a_candidate_of_a_few_of_the_champions_titles_is_not_promoted(scored, candidate, tmp_path):
    few = release(
        OURS[:1],
        EVERYTHING[EVERYTHING["isbn"] == ISBNS[0]],
        tmp_path,
        "2024-07-09T05.00.00-00000004",
    )
    _, verdict = judged(few, candidate, scored, compare(candidate))
    assert not verdict["promote"]
    gate = {gate["name"]: gate for gate in verdict["gates"]}["titles"]
    assert not gate["passed"]
    assert gate["reason"] == "0.333 of the champion's, at least 0.500"


def test_a_candidate_is_held_against_the_champion_on_titles_that_both_have(
    candidate, champion, scored
):
    theirs = compare(champion)
    _, verdict = judged(candidate, champion, scored, theirs)
    assert verdict["champion"] == champion.release
    assert verdict["gates"][0]["name"] == "champion"
    # The champion's forecasts, a tenth of what they were, leave no doubt who is better.
    numbers = theirs[0].select_dtypes("number").columns
    theirs[0][numbers] *= 0.1
    _, verdict = judged(candidate, champion, scored, theirs)
    assert verdict["promote"]
