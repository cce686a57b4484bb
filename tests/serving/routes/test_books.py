"""Search, history and forecasts of titles."""

import pytest
from fastapi.testclient import TestClient

from book_forecast.serving.app import create_app
from book_forecast.serving.settings import ServiceSettings
from tests.serving import stores
from tests.serving.conftest import TITLES, in_process
from tests.serving.servers import eventually


def isbns(client, **query):
    return [book["isbn"] for book in client.get("/books", params=query).json()["books"]]


@pytest.mark.parametrize(
    "text",
    [
        "cafe",
        "CAFÉ",
        "mull lieb",
        "orsted",
        "Zoë Café",
        "9780200000017",
        "978-0-20-000001-7",
        "978 0 20 000001 7",
        "0-20-000001-2",
        "0200000012",
        "020000001 2",
    ],
)
def test_a_title_is_found_by_words_and_by_isbn(client, text):
    assert isbns(client, q=text) == [stores.CAFE]


@pytest.mark.parametrize("text", ["qqq", "cafe qqq", "9780722532935"])
def test_an_unknown_text_or_isbn_is_not_found(client, text):
    answer = client.get("/books", params={"q": text}).json()
    assert (answer["total"], answer["books"]) == (0, [])


def test_pages_have_every_title_once(client):
    pages = [isbns(client, sort="volume", limit=15, offset=n) for n in (0, 15, 30, 45)]
    assert [len(page) for page in pages] == [15, 15, 10, 0]
    assert len({isbn for page in pages for isbn in page}) == TITLES


@pytest.mark.parametrize(
    ("sort", "field"),
    [("volume", "next_13_weeks"), ("change", "change"), ("change_copies", "change_copies")],
)
@pytest.mark.parametrize("order", [None, "asc", "desc"])
def test_titles_are_sorted_and_what_is_unknown_comes_last(client, sort, field, order):
    query = {"sort": sort, "limit": 100} | ({"order": order} if order else {})
    values = [book[field] for book in client.get("/books", params=query).json()["books"]]
    known = [abs(value) for value in values if value is not None]
    assert known == sorted(known, reverse=order != "asc")
    assert values[: len(known)].count(None) == 0
    # The last title is new in this release.
    assert len(known) == (TITLES if sort == "volume" else TITLES - 1)


def test_titles_are_sorted_by_the_alphabet_as_people_know_it(client):
    books = client.get("/books", params={"q": "the", "sort": "title", "limit": 5}).json()["books"]
    assert [book["title"] for book in books] == ["The Alchemist"] + [
        f"The Book of {n}" for n in (10, 11, 12, 13)
    ]


def test_the_release_is_compared_with_the_champion_before(client):
    changes = client.get("/books").json()["changes"]
    assert (changes["state"], changes["before"]) == ("ready", stores.BEFORE)
    assert changes["promotion"]["who"] == "ann"
    book = client.get(f"/books/{stores.CAFE}").json()
    assert book["change_weeks"] == 32
    expected = sum(client.get(f"/books/{stores.CAFE}/forecast").json()["mean"])
    assert book["change"] == pytest.approx(
        book["change_copies"] / (expected - book["change_copies"]), abs=1e-3
    )


def test_a_release_is_compared_before_any_request(releases):
    app = create_app(ServiceSettings(releases=releases))
    with TestClient(app) as client:
        current = app.state.current
        catalogue = eventually(lambda: current.served and current.served._catalogue)
        eventually(lambda: catalogue.comparison == "ready")
        assert client.get("/books").json()["changes"]["state"] == "ready"


def test_a_single_folder_has_nothing_to_be_compared_with(releases):
    with in_process(ServiceSettings(storage_uri=f"{releases}/{stores.NOW}")) as client:
        answer = client.get("/books", params={"sort": "change"}).json()
        assert answer["changes"] == {"state": "none", "before": None, "promotion": None}
        assert answer["books"][0]["change"] is None


def test_a_champion_before_that_is_damaged_takes_nothing_along(tmp_path):
    store = stores.write(tmp_path, titles=3)
    next(tmp_path.glob(f"{stores.BEFORE}/distributions-*")).write_bytes(b"PAR1")
    with in_process(ServiceSettings(releases=store.root)) as client:
        answer = client.get("/books").json()
        assert answer["changes"]["state"] == "failed"
        assert answer["total"] == 3


def test_what_is_known_of_a_title(client):
    book = client.get(f"/books/{stores.CAFE}").json()
    assert book["title"] == "Café Müller: Eine Liebe"
    assert book["cutoff"] == "2024-06-29"
    assert book["wape"] < book["seasonal_naive_wape"] * 1.2
    weeks = client.get(f"/books/{stores.CAFE}/forecast", params={"horizon": 13}).json()
    assert book["next_13_weeks"] == pytest.approx(sum(weeks["mean"]), abs=0.1)


def test_past_sales_end_with_the_cutoff_and_have_gaps(client):
    history = client.get(f"/books/{stores.CAFE}/history").json()
    assert len(history["weeks"]) == len(history["volumes"]) == stores.WEEKS
    assert history["weeks"][-2:] == ["2024-06-22", "2024-06-29"]
    assert history["volumes"][stores.GAP] == [None] * 13
    assert None not in history["volumes"][: stores.GAP.start]


def test_a_forecast_is_the_one_that_predict_gives(client):
    answer = client.get("/books/0-20-000001-2/forecast?horizon=5&level=90&level=50").json()
    body = {"instances": [{"isbn": stores.CAFE, "horizon": 5, "levels": [90, 50]}]}
    assert answer == client.post("/predict", json=body).json()["predictions"][0]
    assert [interval["level"] for interval in answer["intervals"]] == [90, 50]


def test_a_forecast_has_32_weeks_and_two_intervals_unless_others_are_asked_for(client):
    answer = client.get(f"/books/{stores.CAFE}/forecast").json()
    assert len(answer["weeks"]) == 32
    assert [interval["level"] for interval in answer["intervals"]] == [80, 95]


@pytest.mark.parametrize("what", ["", "/history", "/forecast", "/forecast?format=csv"])
def test_a_title_that_is_in_no_release_is_not_found(client, what):
    unknown = client.get(f"/books/9780722532935{what}")
    assert unknown.status_code == 404
    assert "9780722532935 is not in release" in unknown.json()["detail"]
    wrong = client.get(f"/books/9780200000018{what}")
    assert wrong.status_code == 422
    assert "check digit" in wrong.json()["detail"]


@pytest.mark.parametrize(
    ("query", "bound"),
    [
        ("horizon=0", "horizon: Input should be greater than or equal to 1"),
        ("horizon=105", "horizon: Input should be less than or equal to 104"),
        ("horizon=x", "horizon: Input should be a valid integer"),
        ("level=0.5", "greater than or equal to 1"),
        ("level=80&level=99.5", "level.1: Input should be less than or equal to 99"),
        ("level=nan", "level.0"),
        ("&".join(["level=80"] * 11), "at most 10 items"),
        ("format=pdf", "'json', 'csv' or 'xlsx'"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_naming_them(client, query, bound):
    answer = client.get(f"/books/{stores.CAFE}/forecast?{query}")
    assert answer.status_code == 422
    assert bound in answer.json()["detail"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "offset=-1", "sort=isbn", "order=up"])
def test_pages_have_bounds_too(client, query):
    assert client.get(f"/books?{query}").status_code == 422


def test_a_shorter_horizon_may_be_the_longest(releases):
    with in_process(ServiceSettings(releases=releases, max_horizon=20)) as client:
        path = f"/books/{stores.CAFE}/forecast"
        assert len(client.get(path).json()["weeks"]) == 20
        assert "less than or equal to 20" in client.get(f"{path}?horizon=21").json()["detail"]
        described = client.get("/openapi.json").json()["paths"]["/books/{isbn}/forecast"]
        schema = next(p for p in described["get"]["parameters"] if p["name"] == "horizon")["schema"]
        assert (schema["maximum"], schema["default"]) == (20, 20)


def test_before_a_release_is_loaded_nothing_is_known(tmp_path):
    with TestClient(create_app(ServiceSettings(releases=str(tmp_path)))) as client:
        for path in ("/books", f"/books/{stores.CAFE}", f"/books/{stores.CAFE}/forecast"):
            assert client.get(path).status_code == 503
        assert client.get("/").status_code == 200
