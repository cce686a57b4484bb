"""What is wrong with a part of the service is logged once, and without secrets."""

import logging

import pytest

from book_forecast.serving.problems import Problem, cause_of

TEMPORARY = f"/d/.a.parquet.{'0123456789abcdef' * 2}.tmp"


def test_a_problem_is_logged_once_as_long_as_it_lasts(caplog: pytest.LogCaptureFixture):
    problem = Problem()
    for _ in range(3):
        problem.set("the disk is full")
    assert (problem.text, caplog.messages) == ("the disk is full", ["the disk is full"])
    problem.set("the disk is gone")
    problem.solve()
    assert problem.text is None
    problem.set("the disk is full")
    assert caplog.messages == ["the disk is full", "the disk is gone", "the disk is full"]
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


def test_neither_the_text_nor_the_log_has_secrets(caplog: pytest.LogCaptureFixture):
    problem = Problem()
    problem.set("https://me:word@host/x?token=abc does not answer")
    assert problem.text == "https://***@host/x?token=*** does not answer"
    assert caplog.messages == [problem.text]


def test_the_cause_is_the_same_for_each_try_of_a_file():
    assert cause_of(OSError(f"no room for {TEMPORARY}")) == "OSError: no room for /d/a.parquet"
