"""Secrets are hidden in logged values."""

import pytest

from book_forecast.tracking import records


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgresql://ann:pw@host/db", "postgresql://***@host/db"),
        ("https://host/path?token=abc&x=1", "https://host/path?token=***&x=1"),
        ("https://b/o?X-Goog-Signature=abc", "https://b/o?X-Goog-Signature=***"),
        ("gs://bucket/data", "gs://bucket/data"),
        ("data", "data"),
        ([80, 95], "80, 95"),
        ("a@b.org", "a@b.org"),
    ],
)
def test_secrets_in_addresses_are_hidden(value, shown):
    assert records.text(value) == shown


@pytest.mark.parametrize("name", ["password", "api_key", "gcs.credentials", "AUTH_TOKEN"])
def test_secrets_by_name_are_hidden(name):
    assert records.parameters({name: "hunter2"}) == {name: "***"}


def test_a_long_text_is_cut_to_a_length_that_mlflow_takes():
    assert len(records.text("x" * 10_000)) == records.MAX_VALUE_LENGTH
    assert records.text("x" * 500) == "x" * 500
