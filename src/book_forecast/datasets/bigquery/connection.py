"""The connection to BigQuery: Google's client, its credentials, and what its errors mean."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from book_forecast.datasets.bigquery.names import (
    TableName,
    check_dataset,
    check_location,
    check_project,
)
from book_forecast.storage.errors import UserError

if TYPE_CHECKING:
    from google.api_core.retry import Retry
    from google.cloud import bigquery

EMULATOR = "BIGQUERY_EMULATOR_HOST"
"""The variable with which Google's client talks to an emulator; there are no credentials then."""

LABELS = {"application": "book-forecast"}
"""Labels of every job, by which its cost is found in the bill."""

_LONGEST_REASON = 300
_FORBIDDEN, _NOT_FOUND, _MANY = 403, 404, 429
_QUOTA = frozenset(("quotaExceeded", "rateLimitExceeded", "billingTierLimitExceeded"))
_BILLED = "bytesBilledLimitExceeded"
_NO_DATASET = "not found: dataset"


class ConnectionOptions(BaseModel):
    """The option ``bigquery`` of catalog entries.

    Attributes:
        project: Id of the project, which pays and has the dataset.
        dataset: Of tables that are named without one.
        location: Where jobs run, such as EU; null: where the dataset is.
        patience: Seconds for which requests are repeated while BigQuery is unavailable.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str | None = None
    dataset: str | None = None
    location: str | None = None
    patience: float = Field(default=300.0, ge=0.0, le=3600.0)


class Connection:
    """Google's client, made when it is first needed."""

    def __init__(self, options: dict[str, Any]) -> None:
        """Check the options; nothing is connected yet.

        Args:
            options: Those of `ConnectionOptions`.

        Raises:
            UserError: One is unknown, no valid name, or absent.
        """
        try:
            self.options = ConnectionOptions.model_validate(options)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UserError(
                f"The option bigquery.{where} of a catalog entry is wrong: {first['msg']}."
            ) from None
        check_project(self.options.project or "")
        check_dataset(self.options.dataset or "")
        if self.options.location:
            check_location(self.options.location)

    @cached_property
    def client(self) -> bigquery.Client:
        """The client, with the default credentials of the machine."""
        try:
            from google.auth.credentials import AnonymousCredentials
            from google.cloud import bigquery
        except ImportError:
            raise UserError(
                "BigQuery's client is not installed: pip install 'book_forecast[bigquery]'."
            ) from None
        with explained("BigQuery"):
            return bigquery.Client(
                project=self.options.project,
                credentials=AnonymousCredentials() if os.environ.get(EMULATOR) else None,  # type: ignore[no-untyped-call]
                location=self.options.location,
            )

    def table(self, name: str) -> TableName:
        """Return a table by ``table``, ``dataset.table`` or ``project.dataset.table``.

        Raises:
            UserError: The name is none.
        """
        *before, table = name.rsplit(".", 2)
        project, dataset = [self.options.project, self.options.dataset][: 2 - len(before)] + before
        return TableName(project or "", dataset or "", table)

    def find(self, name: TableName) -> bigquery.Table | None:
        """Return what BigQuery knows of a table; None if there is none."""
        from google.api_core.exceptions import NotFound

        with explained(f"BigQuery table {name}"):
            try:
                return self.client.get_table(str(name), retry=self.retry)
            except NotFound as error:
                if _first_line(error).casefold().startswith(_NO_DATASET):
                    raise
                return None

    @property
    def retry(self) -> Retry:
        """The client's own retry, as long as the patience lasts."""
        from google.cloud.bigquery import DEFAULT_RETRY

        return DEFAULT_RETRY.with_timeout(self.options.patience)

    @property
    def job_retry(self) -> Retry:
        """The same for jobs that fail on BigQuery's side."""
        from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY

        return DEFAULT_JOB_RETRY.with_timeout(self.options.patience)

    @property
    def upload_retries(self) -> int:
        """Number of repeated uploads: the pause before each is twice the one before, from 1 s."""
        return int(math.log2(self.options.patience + 1))


@contextmanager
def explained(subject: str, unchanged: str = "") -> Iterator[None]:
    """Make one sentence of what Google's libraries raise.

    Args:
        subject: What is read or written, as the subject of the sentence.
        unchanged: A sentence on what is as it was.

    Raises:
        UserError: In place of an error of the client, its credentials or the network.
    """
    try:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException
    except ImportError:  # the client says what to install
        yield
        return
    try:
        yield
    except GoogleAuthError as error:
        raise UserError(
            f"{subject} cannot be reached: there are no valid default credentials "
            f"({_first_line(error)}). Run `gcloud auth application-default login`, or give the "
            f"machine a service account. {unchanged}".rstrip()
        ) from error
    except (GoogleAPIError, RequestException, TimeoutError, ConnectionError) as error:
        raise UserError(f"{subject} {_explain(error)} {unchanged}".rstrip()) from error


def _explain(error: BaseException) -> str:
    cause = error
    while getattr(cause, "cause", None) is not None:  # of a retry that has given up
        cause = cause.cause  # type: ignore[attr-defined]
    code, reason, text = getattr(cause, "code", None), _reason(cause), _first_line(cause)
    if reason in _QUOTA or code == _MANY:
        return (
            f"is over a quota ({text}). Wait until it is renewed, or have it raised, and run the "
            "same command again."
        )
    if reason == _BILLED:
        return (
            f"is too expensive to read ({text}). Read fewer weeks (since), or raise "
            "maximum_bytes_billed."
        )
    if code == _FORBIDDEN:
        return (
            f"is refused ({text}). Grant the account the roles of docs/cloud.md, or correct the "
            "names of project and dataset."
        )
    if code == _NOT_FOUND:
        return (
            f"is not there ({text}). Create it, or correct the names of project, dataset and "
            "table, or the location."
        )
    if code is not None and int(code) < 500:
        return f"refuses the request ({text}). Correct what it names."
    return f"cannot be reached ({text}). Run the same command again later."


def _reason(error: BaseException) -> str:
    errors = getattr(error, "errors", None) or [{}]
    first = errors[0] if isinstance(errors[0], dict) else {}
    return str(first.get("reason", ""))


def _first_line(error: BaseException) -> str:
    """The text of an error, without addresses and stack traces."""
    errors = getattr(error, "errors", None) or []
    known = errors[0].get("message") if errors and isinstance(errors[0], dict) else None
    text = str(known or getattr(error, "message", None) or error)
    return " ".join(text.partition("\n")[0].split())[:_LONGEST_REASON].rstrip(".")
