import numpy as np
import pytest

from book_forecast.bookscan.isbn import normalise_isbn
from book_forecast.sample.character import ProductClass
from book_forecast.sample.names import draw_author, draw_title, isbn_13


def test_invented_isbns_are_valid_unique_and_of_no_agency() -> None:
    isbns = [isbn_13(number) for number in range(20_000)]
    assert len(set(isbns)) == len(isbns)
    assert all(isbn.startswith("97867") for isbn in isbns)
    assert [normalise_isbn(isbn) for isbn in isbns] == isbns


def test_isbns_are_unique_to_the_last() -> None:
    numbers = {*range(0, 10**7, 997), *range(10**7 - 5_000, 10**7)}
    assert len({isbn_13(number) for number in numbers}) == len(numbers)


def test_more_titles_than_isbns_are_refused() -> None:
    with pytest.raises(ValueError, match="10,000,000 titles"):
        isbn_13(10**7)


@pytest.mark.parametrize("product_class", ProductClass)
def test_invented_names_vary_and_have_no_placeholder_left(product_class: ProductClass) -> None:
    rng = np.random.default_rng(1)
    titles = {draw_title(product_class, rng) for _ in range(200)}
    assert len(titles) > 150
    assert not any("{" in title for title in titles)
    assert ", " in draw_author(rng)
