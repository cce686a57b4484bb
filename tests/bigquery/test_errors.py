"""What BigQuery's errors look like, and that nothing is lost by them."""

from pathlib import Path

import pandas as pd
import pytest
from kedro.io.core import DatasetError

from book_forecast.bookscan.hints import ExportHints
from book_forecast.datasets import BigQuerySalesDataset, BigQueryTableDataset
from book_forecast.storage.errors import UserError, find_user_error
from tests.bigquery.service import ApiError, Fault, Service
from tests.bigquery.tables import OPTIONS, arrow, sample

SALES, SCORES = "books-test.books.sales", "books-test.books.scores"
UNAVAILABLE = ApiError(503, "backendError", "Service is unavailable")
FOREVER = 10_000
FRAME = pd.DataFrame({"isbn": ["9780000000002"], "value": [1.5]})
IMPATIENT = OPTIONS | {"patience": 1.0}


@pytest.fixture
def entry(tmp_path: Path) -> BigQueryTableDataset:
    path = str(tmp_path / "scores.parquet")
    return BigQueryTableDataset(filepath=path, bigquery=IMPATIENT, table="scores")


def read(options: dict[str, object] = IMPATIENT) -> int:
    """Read the sales; return their number."""
    exports = BigQuerySalesDataset(bigquery=options, table="sales").load()
    return sum(part.table.num_rows for part in exports.read("books.sales", ExportHints()))


def refused(entry: BigQueryTableDataset, frame: pd.DataFrame = FRAME) -> str:
    with pytest.raises(DatasetError) as refusal:
        entry.save(frame)
    error = find_user_error(refusal.value)
    assert error is not None
    return str(error)


ERRORS = [
    (ApiError(403, "accessDenied", "Access Denied: bigquery.jobs.create"), "is refused (Access"),
    (ApiError(404, "notFound", "Not found: Dataset books-test:books"), "is not there (Not found"),
    (ApiError(403, "quotaExceeded", "Quota exceeded: load jobs"), "is over a quota (Quota exceed"),
    (ApiError(400, "invalidQuery", "Unrecognized name: x"), "refuses the request (Unrecognized"),
    (UNAVAILABLE, "cannot be reached (Service is unavailable)"),
]


@pytest.mark.parametrize(("error", "sentence"), ERRORS)
def test_an_error_of_reading_is_one_sentence(bigquery: Service, error: ApiError, sentence: str):
    bigquery.put(SALES, arrow(sample()))
    bigquery.faults.append(Fault("POST .*/jobs", error, FOREVER))
    with pytest.raises(UserError) as refusal:
        read()
    message = str(refusal.value)
    assert f"BigQuery table {SALES} {sentence}" in message
    assert "\n" not in message
    assert "http" not in message


@pytest.mark.parametrize(("error", "sentence"), ERRORS)
def test_an_error_of_writing_leaves_the_table_and_keeps_the_rows(
    bigquery: Service, entry: BigQueryTableDataset, error: ApiError, sentence: str
):
    entry.save(FRAME)
    before = bigquery.tables[SCORES]
    bigquery.faults.append(Fault("(POST|PUT) /upload", error, FOREVER))
    new = FRAME.assign(value=2.5)
    message = refused(entry, new)
    assert f"BigQuery table {SCORES} {sentence}" in message
    assert "The table is unchanged, and the rows are in" in message
    assert bigquery.tables[SCORES] is before
    pd.testing.assert_frame_equal(entry.load(), new)
    bigquery.faults.clear()
    entry.save(new)
    assert bigquery.tables[SCORES].rows["value"].to_pylist() == [2.5]


@pytest.mark.parametrize(("error", "sentence"), [ERRORS[0], ERRORS[2], ERRORS[3]])
def test_a_job_that_fails_on_the_other_side_is_one_sentence_too(
    bigquery: Service, entry: BigQueryTableDataset, error: ApiError, sentence: str
):
    bigquery.put(SALES, arrow(sample()))
    bigquery.faults.append(Fault("RUN JOB", error, FOREVER))
    assert f"BigQuery table {SCORES} {sentence}" in refused(entry)
    assert SCORES not in bigquery.tables
    with pytest.raises(UserError) as refusal:
        read()
    assert f"BigQuery table {SALES} {sentence}" in str(refusal.value)


@pytest.mark.parametrize("request_", ["GET .*/tables/", "POST .*/jobs", "GET .*/queries/"])
def test_a_moment_without_the_service_is_waited_for(bigquery: Service, request_: str):
    bigquery.put(SALES, arrow(sample()))
    bigquery.faults.append(Fault(request_, UNAVAILABLE))
    assert read(OPTIONS) == len(sample())


@pytest.mark.parametrize("request_", ["POST /upload", "PUT /upload", "GET .*/tables/"])
@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer_to_a_load_does_not_load_twice(
    bigquery: Service, tmp_path: Path, request_: str, after: bool
):
    path = str(tmp_path / "scores.parquet")
    entry = BigQueryTableDataset(filepath=path, bigquery=OPTIONS, table="scores")
    bigquery.faults.append(Fault(request_, UNAVAILABLE, after=after))
    entry.save(FRAME)
    assert bigquery.tables[SCORES].rows.num_rows == 1
    assert len(bigquery.jobs) == 1


def test_a_dataset_that_is_not_there_is_named(bigquery: Service, entry: BigQueryTableDataset):
    bigquery.datasets.clear()
    assert f"BigQuery table {SCORES} is not there (Not found: Dataset books" in refused(entry)
    with pytest.raises(UserError, match="Not found: Dataset books-test:books"):
        read()
    assert not bigquery.tables


def test_a_service_that_does_not_answer_is_an_error_of_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"cannot be reached \(.*\)\. Run the same command again"):
        read()


def test_without_credentials_the_command_to_get_them_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(UserError, match="gcloud auth application-default login"):
        read()
