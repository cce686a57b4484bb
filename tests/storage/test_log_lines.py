"""Log lines have at most 160 characters."""

import io
import logging
import sys

import pytest

from book_forecast.storage.errors import UserError
from book_forecast.storage.log_lines import WIDTH, LineFormatter, broken, short_node_lines


@pytest.fixture
def logged():
    """A logger and what it has written."""
    logger, stream = logging.getLogger("a.test"), io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(logging.Formatter("%(levelname)s %(message)s")))
    logger.addHandler(handler)
    yield logger, stream
    logger.removeHandler(handler)


def test_a_long_line_is_broken_at_spaces_without_a_loss():
    line = "12:00:00 INFO    " + " ".join(f"word{n}" for n in range(100))
    lines = broken(line).splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= WIDTH
    assert " ".join(lines).split() == line.split()


def test_a_long_path_has_a_line_of_its_own_and_is_shortened_in_its_middle():
    path = "/data/" + "x" * 300 + "/forecasts.parquet"
    lines = broken(f"12:00:00 INFO    written to {path} for all").splitlines()
    assert max(map(len, lines)) <= WIDTH
    (shown,) = [line.strip() for line in lines if "…" in line]
    assert shown.startswith("/data/x")
    assert shown.endswith("x/forecasts.parquet")


def test_a_short_line_stays_as_it_is():
    assert broken("two  spaces") == "two  spaces"


def test_a_traceback_stays_below_its_message(logged):
    logger, stream = logged
    try:
        raise ValueError("y" * 300)
    except ValueError:
        logger.exception("failed %s", "z " * 200)
    text = stream.getvalue()
    assert "ValueError: " + "y" * 300 in text
    assert all(len(line) <= WIDTH for line in text.partition("Traceback")[0].splitlines())


def record(message: str, argument: str) -> logging.LogRecord:
    return logging.LogRecord("kedro.pipeline.node", logging.INFO, "", 0, message, (argument,), None)


def test_a_node_is_named_without_its_inputs():
    node = "fit: fit_titles([training_weeks;params:models;checkpoints]) -> [models;summary]"
    shown = record("Running node: %s", node)
    assert short_node_lines(shown)
    assert shown.getMessage() == "Running node: fit -> models, summary"
    last = record("Running node: %s", "check: check([a;b]) -> None")
    assert short_node_lines(last)
    assert last.getMessage() == "Running node: check"


def test_a_user_error_is_left_to_the_end_of_the_run():
    failed = "Node %s failed with error: \n%s"
    try:
        raise UserError("no sheet")
    except UserError:
        assert not short_node_lines(record(failed, "read: read([a]) -> [b]"))
    try:
        raise KeyError("volume")
    except KeyError:
        other = record(failed, "read: read([a]) -> [b]")
        assert short_node_lines(other)
    assert other.getMessage() == "Node read -> b failed"
    assert sys.exc_info() == (None, None, None)
