"""Search, history, forecasts and files of single titles, and the page that shows them."""

import csv
import io
import subprocess
import sys
import time
from collections.abc import Iterator

import openpyxl
import pytest
from fastapi.testclient import TestClient

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.serving import page as page_module
from book_forecast.serving.app import create_app
from book_forecast.serving.catalogue import Catalogue, folded, words_of
from book_forecast.serving.settings import Settings
from tests.releases import payloads
from tests.serving import stores

TITLES = 40


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    root = tmp_path_factory.mktemp("releases")
    stores.write(root, titles=TITLES)
    return str(root)


@pytest.fixture(scope="module")
def client(releases):
    yield from service(Settings(releases=releases))


def service(settings: Settings) -> Iterator[TestClient]:
    """A service that has its release and has compared it."""
    with TestClient(create_app(settings)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        wait_until(lambda: client.get("/books").json()["changes"]["state"] != "pending")
        yield client


def wait_until(ready):
    deadline = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


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
def test_what_nobody_has_is_not_found(client, text):
    answer = client.get("/books", params={"q": text}).json()
    assert (answer["total"], answer["books"]) == (0, [])


def test_punctuation_does_not_count():
    assert folded("Captain Corelli\u2019s “Mandolin” – O.K.") == "captain corellis mandolin ok"
    assert folded("Æsop, Łukasz; Straße") == "aesop lukasz strasse"
    assert words_of("978-0-14") == ["978014"]
    assert words_of("  ") == []


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
    books = client.get("/books", params={"q": "the", "limit": 5}).json()["books"]
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


def test_a_release_is_compared_before_anybody_asks(releases):
    app = create_app(Settings(releases=releases))
    with TestClient(app) as client:
        shelf = app.state.shelf
        wait_until(lambda: shelf._catalogue and shelf._catalogue.comparison == "ready")
        assert client.get("/books").json()["changes"]["state"] == "ready"


def test_a_single_folder_has_nothing_to_be_compared_with(releases):
    for client in service(Settings(storage_uri=f"{releases}/{stores.NOW}")):
        answer = client.get("/books", params={"sort": "change"}).json()
        assert answer["changes"] == {"state": "none", "before": None, "promotion": None}
        assert answer["books"][0]["change"] is None


def test_a_champion_before_that_is_damaged_takes_nothing_along(tmp_path):
    store = stores.write(tmp_path, titles=3)
    next(tmp_path.glob(f"{stores.BEFORE}/distributions-*")).write_bytes(b"PAR1")
    for client in service(Settings(releases=store.root)):
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
    for client in service(Settings(releases=releases, max_horizon=20)):
        path = f"/books/{stores.CAFE}/forecast"
        assert len(client.get(path).json()["weeks"]) == 20
        assert "less than or equal to 20" in client.get(f"{path}?horizon=21").json()["detail"]
        described = client.get("/openapi.json").json()["paths"]["/books/{isbn}/forecast"]
        schema = next(p for p in described["get"]["parameters"] if p["name"] == "horizon")["schema"]
        assert (schema["maximum"], schema["default"]) == (20, 20)


def test_a_forecast_as_csv(client):
    path = f"/books/{stores.CAFE}/forecast?horizon=3&level=80&level=99"
    answer = client.get(f"{path}&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"forecast-{stores.CAFE}-2024-06-29.csv" in answer.headers["content-disposition"]
    # Excel knows UTF-8 by its mark.
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    expected = client.get(path).json()
    assert [float(row["mean"]) for row in rows] == expected["mean"]
    assert [float(row["hi-99"]) for row in rows] == expected["intervals"][1]["upper"]
    assert rows[0]["title"] == "Café Müller: Eine Liebe"


def test_a_forecast_as_a_workbook(client):
    path = f"/books/{stores.FORMULA}/forecast?horizon=3&level=80"
    answer = client.get(f"{path}&format=xlsx")
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    head, *rows = book["Forecast"].iter_rows()
    assert [cell.value for cell in head][:3] == ["isbn", "title", "week"]
    assert [row[5].value for row in rows] == client.get(path).json()["mean"]
    # A title that looks like a formula stays a text, and a week is a date.
    assert (rows[0][1].data_type, rows[0][1].value[0]) == ("s", "=")
    assert rows[0][2].is_date
    about = {row[0]: row[1] for row in book["About"].iter_rows(values_only=True)}
    assert about["Release"] == stores.NOW


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_in_a_csv_file_is_made_harmless(start, tmp_path):
    from book_forecast.serving.files import csv_file

    answers = ForecastReader(stores.write(tmp_path, titles=3).read(stores.NOW))
    answer = answers.forecast(stores.CAFE, 1, [80.0])
    content = csv_file(answer, f"{start}1+1").decode("utf-8-sig")
    assert next(csv.DictReader(io.StringIO(content, newline="")))["title"].startswith("'")


def test_before_a_release_is_loaded_nothing_is_known(tmp_path):
    with TestClient(create_app(Settings(releases=str(tmp_path)))) as client:
        for path in ("/books", f"/books/{stores.CAFE}", f"/books/{stores.CAFE}/forecast"):
            assert client.get(path).status_code == 503
        assert client.get("/").status_code == 200


def test_the_page_is_open_and_its_numbers_are_not(releases):
    settings = Settings(releases=releases, token="planners-only")
    with TestClient(create_app(settings)) as client:
        assert client.get("/").status_code == 200
        assert client.get("/static/app.js").status_code == 200
        assert client.get("/books").status_code == 401
        assert client.get("/release").status_code == 401


def test_every_file_of_the_page_is_sent_with_its_type_and_asked_for_each_time(client):
    types = {"app.js": "text/javascript", "style.css": "text/css", "icon.svg": "image/svg+xml"}
    for name, media_type in types.items():
        answer = client.get(f"/static/{name}")
        assert answer.headers["content-type"].startswith(media_type)
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_the_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(client):
    answer = client.get("/")
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "http" not in answer.text.replace("http-equiv", "")


def test_plotly_comes_with_the_service_and_is_kept_by_browsers(client):
    plain = client.get("/static/plotly.min.js", headers={"Accept-Encoding": "identity"})
    assert plain.content.startswith(b"/**\n* plotly.js v")
    assert "immutable" in plain.headers["cache-control"]
    packed = client.get("/static/plotly.min.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert packed.content == plain.content
    assert "plotly.min.js?v=5." in client.get("/").text


def test_without_plotly_the_page_is_still_there(client, monkeypatch):
    monkeypatch.setattr(page_module, "_plotly_path", lambda: None)
    assert client.get("/static/plotly.min.js").status_code == 404


@pytest.mark.parametrize("name", ["index.html2", "__init__.py", "..%2f__init__.py", "nothing.js"])
def test_other_files_are_not_sent(client, name):
    assert client.get(f"/static/{name}").status_code == 404


def test_neither_plotly_nor_openpyxl_is_imported_before_it_is_needed():
    script = "import sys, book_forecast.serving.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "fastapi" in loaded
    assert not loaded & {"plotly", "openpyxl", "pandas", "numba", "mlflow", "kedro"}


def test_ten_thousand_titles_are_searched_at_once(tmp_path):
    from book_forecast.payload.contents import read_payload

    folder = payloads.write(tmp_path / "large", titles=10_000, weeks=4)
    catalogue = Catalogue(ForecastReader(read_payload(folder)))
    # Of the processor's time: a busy machine takes longer.
    started = time.thread_time()
    assert catalogue.find("author 3 book 77", "volume", None, 0, 20).total > 10
    assert time.thread_time() - started < 0.1
