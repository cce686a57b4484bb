"""BigQuery's stand-in for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.bigquery.fake import serving
from tests.bigquery.service import Service


@pytest.fixture
def bigquery(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """An empty service with the dataset ``books`` that this process and those it starts talk to."""
    with serving() as (address, service):
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", address)
        monkeypatch.setenv("BOOK_FORECAST_BIGQUERY_PROJECT", "books-test")
        monkeypatch.setenv("BOOK_FORECAST_BIGQUERY_DATASET", "books")
        service.datasets.add("books-test.books")
        yield service
