import pytest

from book_forecast.bookscan.titles.natural_order import in_natural_order


@pytest.mark.parametrize(
    ("listed", "natural"),
    [
        ("Alchemist, The", "The Alchemist"),
        ("Alchemist,The", "The Alchemist"),
        ("ALCHEMIST, THE", "THE ALCHEMIST"),
        ("Christmas Carol, a", "A Christmas Carol"),
        ("Hobbit, The: or There and Back Again", "The Hobbit: or There and Back Again"),
        ("Very Hungry Caterpillar,The [Board Book]", "The Very Hungry Caterpillar [Board Book]"),
        (
            "Lion, the Witch and the Wardrobe, The (Narnia)",
            "The Lion, the Witch and the Wardrobe (Narnia)",
        ),
        ("Étranger, L'", "L'Étranger"),
        ("Verwandlung, Die", "Die Verwandlung"),
    ],
)
def test_an_article_at_the_end_moves_to_the_start(listed, natural):
    assert in_natural_order(listed) == natural


@pytest.mark.parametrize(
    "title",
    ["The Alchemist", "Eat, Pray, Love", "1984", "", "Lion, the Witch and the Wardrobe", ", The"],
)
def test_other_titles_stay_as_they_are(title):
    assert in_natural_order(title) == title
