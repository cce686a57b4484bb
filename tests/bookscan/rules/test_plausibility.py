import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.bookscan.rules.plausibility import implausible_volumes, rounded_isbns
from tests.bookscan.raw_exports import ALCHEMIST, CATERPILLAR, TIGER

ROUNDED = "9780330000000"


def rows(**volumes):
    """Usable rows of titles, by the volumes of each."""
    isbns = dict(zip(volumes, (ALCHEMIST, CATERPILLAR, TIGER), strict=False))
    return pd.DataFrame(
        [(isbns[name], float(volume)) for name, each in volumes.items() for volume in each],
        columns=["isbn", "volume"],
    )


def held_back(**volumes):
    frame = rows(**volumes)
    found: list[float] = frame.loc[implausible_volumes(frame), "volume"].tolist()
    return found


USUAL = [120, 95, 240, 310, 180, 77, 150, 400, 222, 131] * 5


@pytest.mark.parametrize("volume", [1e9, -1e9, 5e7, 1e12])
def test_a_volume_of_another_order_than_all_others_is_implausible(volume):
    assert held_back(a=[*USUAL, volume], b=USUAL) == [volume]


def test_a_few_implausible_volumes_do_not_hide_one_another():
    assert held_back(a=[*USUAL, 1e9], b=[*USUAL, 1.1e9, 9e8]) == [1e9, 1.1e9, 9e8]


def test_a_volume_far_above_its_own_title_is_implausible_in_a_large_catalogue():
    blockbuster = [900_000, 400_000, 200_000, *([60_000] * 50)]
    assert held_back(a=[*[20, 35, 15] * 20, 250_000], b=blockbuster) == [250_000]


def test_the_first_weeks_of_a_film_are_plausible():
    assert held_back(a=[*[2] * 60, 5_000, 8_000, 3_000], b=USUAL) == []


def test_a_launch_above_all_other_titles_is_plausible():
    assert held_back(a=[300_000, 150_000, 90_000], b=[20_000, *[8_000] * 60]) == []


def test_every_volume_of_a_large_catalogue_is_plausible():
    assert held_back(a=[2_600_000, 1_100_000, 300_000], b=[20_000] * 200, c=USUAL) == []


def test_a_small_export_without_a_large_volume_has_nothing_implausible():
    assert held_back(a=[1, 90_000]) == []
    assert held_back(a=[0, 0, 0]) == []
    assert implausible_volumes(rows()).tolist() == []


@given(st.lists(st.floats(0, 99_999), min_size=1, max_size=50))
def test_nothing_below_a_hundred_thousand_copies_is_implausible(volumes):
    assert held_back(a=volumes) == []


@given(st.lists(st.integers(1, 50_000), min_size=1, max_size=50), st.integers(101, 10**6))
def test_what_is_implausible_does_not_depend_on_the_order_of_rows(volumes, factor):
    frame = rows(a=[*volumes, max(volumes) * factor])
    found = implausible_volumes(frame)
    backwards = implausible_volumes(frame.iloc[::-1].reset_index(drop=True))
    np.testing.assert_array_equal(found, backwards[::-1])


def titles(*texts):
    return [{ROUNDED: frozenset(part)} for part in texts]


def test_an_isbn_with_zeros_and_several_titles_is_rounded():
    assert rounded_isbns(titles({"the alchemist", "sharpe's tiger"})) == [ROUNDED]
    assert rounded_isbns(titles({"the alchemist"}, {"sharpe's tiger"})) == [ROUNDED]


def test_one_title_in_two_spellings_is_one_title():
    assert rounded_isbns(titles({"the alchemist", "alchemist, the"})) == []
