"""All families beside their ensemble."""

import pandas as pd
import pytest

from book_forecast.plots import leaderboard_figure
from tests.plots.frames import texts, traces_by_name

TITLES = ["1", "2"]
FOLDS = {"ensemble": 10.0, "theta": 11.0, "ets": 12.5, "naive": 20.0}
TEST = {"ensemble": 10.0, "theta": 9.0, "ets": 13.0, "naive": 18.0}
WEIGHTS = {"ensemble": 1.0, "theta": 0.6, "ets": 0.4, "naive": 0.0}


def make_board(errors, weights=WEIGHTS):
    """A leaderboard on which all titles have the same errors."""
    rows = [
        (isbn, family, mae, weights[family])
        for isbn in ("all", *TITLES)
        for family, mae in errors.items()
    ]
    return pd.DataFrame(rows, columns=["isbn", "family", "mae", "weight"]).assign(left_out=None)


def make_scores(errors):
    """Scores of the test weeks, of titles that sell 50 copies a week."""
    rows = [
        (isbn, model, metric, mae / unit)
        for isbn in ("all", *TITLES)
        for model, mae in errors.items()
        for metric, unit in (("mae", 1.0), ("wape", 50.0))
    ]
    return pd.DataFrame(rows, columns=["isbn", "model", "metric", "value"])


BOARD, SCORES = make_board(FOLDS), make_scores(TEST)


def shares(figure, trace):
    (found,) = traces_by_name(figure)[trace]
    return dict(zip(found.y, found.x, strict=True))


def test_families_stand_in_the_order_of_their_errors_on_the_folds_the_best_at_the_top():
    axis = leaderboard_figure(BOARD, SCORES).layout.yaxis
    assert axis.categoryarray == ("naive", "ets", "theta", "ensemble")
    assert axis.ticktext == ("Naive", "ETS", "Theta", "<b>Ensemble</b>")


def test_errors_are_shares_of_the_ensembles_on_the_folds_and_on_the_test_weeks():
    figure = leaderboard_figure(BOARD, SCORES)
    assert shares(figure, "folds") == {"ensemble": 1.0, "theta": 1.1, "ets": 1.25, "naive": 2.0}
    assert shares(figure, "test") == {"ensemble": 1.0, "theta": 0.9, "ets": 1.3, "naive": 1.8}


def test_a_family_that_was_better_on_the_test_weeks_is_named_in_the_headline():
    text = leaderboard_figure(BOARD, SCORES).layout.title.text
    assert "On the folds the ensemble is number 1 of 4 (best family: Theta, 110.0%" in text
    assert "On the test weeks the ensemble is number 2 of 4 (best family: Theta, 90.0%" in text


def test_weights_and_errors_stand_beside_the_rows():
    found = {(a.y, a.text) for a in leaderboard_figure(BOARD, SCORES).layout.annotations}
    assert {("theta", "60%"), ("theta", "18.0%"), ("ensemble", "<b>20.0%</b>")} <= found
    assert ("naive", "0%") in found


def test_a_family_that_some_titles_lack_is_compared_over_the_others():
    large = make_board({name: 9.0 * mae for name, mae in FOLDS.items()})
    board = pd.concat([BOARD[BOARD["isbn"] != "2"], large[large["isbn"] == "2"]])
    board = board[(board["isbn"] != "2") | (board["family"] != "ets")]
    assert shares(leaderboard_figure(board, SCORES), "folds")["ets"] == pytest.approx(1.25)


def test_a_family_that_some_titles_lack_is_named_with_the_number_of_its_titles():
    scores = SCORES[(SCORES["isbn"] != "2") | (SCORES["model"] != "ets")]
    axis = leaderboard_figure(BOARD, scores).layout.yaxis
    assert axis.ticktext == ("Naive", "ETS (1 of 2 titles)", "Theta", "<b>Ensemble</b>")


def test_families_with_the_same_reason_share_a_line():
    board = make_board(
        FOLDS | {"mstl": float("nan"), "sarima": float("nan")}, WEIGHTS | {"mstl": 0, "sarima": 0}
    )
    board["left_out"] = board["left_out"].mask(board["mae"].isna(), "too few")
    text = leaderboard_figure(board, SCORES).layout.title.text
    assert "Not compared: MSTL, SARIMA<" in text
    assert text.count("(too few)") == 1


def test_a_wild_family_does_not_press_the_others_into_a_corner():
    figure = leaderboard_figure(make_board(FOLDS | {"naive": 4000.0}), SCORES)
    assert shares(figure, "folds")["naive"] == 3.0
    (trace,) = traces_by_name(figure)["folds"]
    position = trace.y.index("naive")
    assert trace.marker.symbol[position].startswith("triangle-right")
    assert trace.customdata[position][1] == 400.0


def test_without_scores_of_the_test_weeks_the_folds_are_shown_alone():
    figure = leaderboard_figure(BOARD, SCORES.iloc[:0])
    assert len(shares(figure, "folds")) == 4
    assert "test weeks" not in texts(figure)


def test_without_ensembles_the_figure_says_so():
    assert "no title has an ensemble" in texts(leaderboard_figure(BOARD.iloc[:0], SCORES))


def test_a_family_without_any_forecast_is_named_with_its_reason_and_has_no_row():
    board = make_board(FOLDS | {"mstl": float("nan")}, WEIGHTS | {"mstl": 0.0})
    absent = board["family"] == "mstl"
    figure = leaderboard_figure(
        board.assign(left_out=board["left_out"].mask(absent, "too few")), SCORES
    )
    assert "MSTL" not in figure.layout.yaxis.ticktext
    assert "Not compared: MSTL<" in figure.layout.title.text
    assert "(too few)" in figure.layout.title.text
    without = leaderboard_figure(BOARD, SCORES).layout
    higher = figure.layout.height - without.height
    assert higher == figure.layout.margin.t - without.margin.t > 0
