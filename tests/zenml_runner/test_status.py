"""The lines that `kedro zenml logs` shows of a step."""

import pytest

from zenml_runner.commands.status import _without_repeats


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ([], []),
        (["one"], ["one"]),
        (["INFO one", "one", "INFO two", "two"], ["one", "two"]),
        (["one", "", "two"], ["one", "", "two"]),
    ],
)
def test_a_line_that_is_stored_twice_is_shown_once(stored, shown):
    assert _without_repeats(stored) == shown
