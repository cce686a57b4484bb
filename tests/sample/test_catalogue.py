from collections import Counter

import numpy as np
import pandas as pd
import pytest

from book_forecast.sample import sample_frame, sample_tables
from book_forecast.sample.catalogue import title_and_character
from book_forecast.sample.roster import ROSTER
from book_forecast.sample.weeks import SampleWeeks


def test_a_title_is_the_same_however_many_there_are(sales: pd.DataFrame) -> None:
    few, many = sample_frame(titles=3), sample_frame(titles=40)
    assert few.equals(sales.iloc[: len(few)])
    assert sales.equals(many.iloc[: len(sales)])


def test_a_title_is_the_same_in_chunks_of_any_size(sales: pd.DataFrame) -> None:
    chunks = [table.to_pandas(date_as_object=False) for table in sample_tables(chunk_titles=7)]
    assert len(chunks) == 4
    assert pd.concat(chunks, ignore_index=True).equals(sales)


def test_another_seed_sells_other_copies_of_the_same_named_titles(sales: pd.DataFrame) -> None:
    other = sample_frame(seed=43)
    assert list(other.Title.unique()) == list(sales.Title.unique())
    assert not other.Volume.head(500).equals(sales.Volume.head(500))


def test_every_title_asked_for_has_a_sale() -> None:
    assert sample_frame(titles=800, seed=5).ISBN.nunique() == 800


@pytest.fixture(scope="module")
def large_catalogue() -> pd.DataFrame:
    return sample_frame(titles=700)


def test_a_large_catalogue_has_a_long_tail(large_catalogue: pd.DataFrame) -> None:
    totals = large_catalogue.groupby("ISBN").Volume.sum().sort_values(ascending=False)
    assert totals.head(70).sum() > 0.5 * totals.sum()
    median_week = large_catalogue.groupby("ISBN").Volume.median()
    assert (median_week <= 2).mean() > 0.25


def test_in_a_large_catalogue_titles_come_and_go_in_every_year(
    large_catalogue: pd.DataFrame,
) -> None:
    dates = large_catalogue.groupby("ISBN")["End Date"]
    launched = Counter(dates.min().dt.year)
    gone = Counter(dates.max().dt.year)
    assert all(launched[year] >= 10 for year in range(2013, 2024))
    assert sum(gone[year] for year in range(2012, 2023)) >= 30
    assert gone[2024] > 350


def test_a_large_catalogue_is_of_all_four_classes(large_catalogue: pd.DataFrame) -> None:
    shares = large_catalogue.drop_duplicates("ISBN")["Product Class"].value_counts(normalize=True)
    assert len(shares) == 4
    assert shares.min() > 0.12


def test_drawn_titles_die_only_after_they_came_out(weeks: SampleWeeks) -> None:
    for number in range(len(ROSTER), 600):
        _, character, _ = title_and_character(number, 42, weeks)
        if character.last is not None:
            assert max(character.first, 0) <= character.last < len(weeks)


def test_characters_are_plain_numbers(weeks: SampleWeeks) -> None:
    _, character, _ = title_and_character(50, 42, weeks)
    assert type(character.copies) is float
    assert type(character.first) is int
    assert np.isfinite(character.pricing.rrp)
