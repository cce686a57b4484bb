"""The leaderboard's rows over all titles."""

import numpy as np
import pandas as pd

from book_forecast.forecasters.family_choice import as_column
from book_forecast.forecasters.weights import FoldForecasts
from book_forecast.pipelines.tune.leaderboard import leaderboard

FAMILIES = ["theta", "ets", "mstl", "naive"]
FEW, SMALL, LARGE = "it needs 20 titles", "it pays for no small title", "it pays for no large title"


def board(*reasons: dict[str, str]) -> pd.DataFrame:
    """Return the rows over all titles, where each has one fold and some families are left out."""
    n = len(reasons)
    members = np.ones((n, len(FAMILIES), 2))
    for row, own in enumerate(reasons):
        members[row, [FAMILIES.index(name) for name in own]] = np.nan
    alike = np.zeros(n, dtype=np.int64)
    folds = FoldForecasts(members, np.full((n, 2), 3.0), np.arange(n), alike, alike, alike)
    choice = pd.Series(
        [as_column(dict.fromkeys(FAMILIES) | own) for own in reasons],
        index=[f"97800000{row:05d}" for row in range(n)],
    )
    weights = np.full((n, len(FAMILIES)), 0.25)
    found = leaderboard(FAMILIES, choice, folds, np.full((n, 2), 2.0), weights)
    return found[found["isbn"] == "all"].set_index("family")


def test_a_family_without_titles_has_the_reason_that_all_of_them_have():
    rows = board({"mstl": FEW}, {"mstl": FEW}, {"mstl": FEW})
    assert rows.loc["mstl", "left_out"] == FEW
    assert rows["mae"].isna().to_dict() == {name: name == "mstl" for name in rows.index}


def test_a_family_that_some_titles_lack_has_their_number_and_the_most_frequent_reason():
    rows = board({"mstl": SMALL}, {"mstl": SMALL, "ets": LARGE}, {"mstl": LARGE}, {})
    assert rows.loc["mstl", "left_out"] == f"3 of 4 titles, 2 of them because {SMALL}"
    assert rows.loc["ets", "left_out"] == f"1 of 4 titles because {LARGE}"


def test_a_family_that_all_titles_lack_for_different_reasons_has_the_most_frequent_one():
    rows = board({"mstl": SMALL}, {"mstl": LARGE}, {"mstl": LARGE})
    assert rows.loc["mstl", "left_out"] == f"all titles, 2 of them because {LARGE}"


def test_families_that_every_title_has_and_the_ensemble_have_no_reason():
    rows = board({"mstl": FEW}, {})
    assert rows.loc[["theta", "ets", "naive", "ensemble"], "left_out"].isna().all()


def test_families_rank_by_their_errors_on_the_titles_that_they_have():
    rows = board({"mstl": FEW}, {})
    assert rows["relative_error"].to_dict() == dict.fromkeys(FAMILIES, 2.0) | {"ensemble": 1.0}
    assert rows["rank"].to_dict() == dict.fromkeys(FAMILIES, 2) | {"ensemble": 1}
    assert rows["n_folds"].to_dict() == {**dict.fromkeys([*FAMILIES, "ensemble"], 2), "mstl": 1}
