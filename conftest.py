"""Files without a test that is asked for are not imported, which takes half of a minute."""

import re
from pathlib import Path

import pytest

ALL_ARE_SLOW = re.compile(r"^pytestmark = .*\bmark\.slow\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is wholly slow with `-m "not slow"`, and what is not at all with `-m slow`."""
    wanted = config.getoption("markexpr")
    if wanted not in ("slow", "not slow") or not collection_path.match("test_*.py"):
        return None
    text = collection_path.read_text(encoding="utf-8")
    is_left_out = ALL_ARE_SLOW.search(text) if wanted == "not slow" else "mark.slow" not in text
    return True if is_left_out else None
