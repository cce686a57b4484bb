"""Standard output is kept for a document by the command that writes one, and by no other."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from zenml_runner import stdout
for _ in range(2):
    stdout.keep_for_document(sys.argv[1:])
print("logged", flush=True)
with stdout.only_for_document():
    print("printed", flush=True)
print("document")
"""


@pytest.mark.parametrize(
    ("command", "is_kept"),
    [
        ("python /venv/bin/kedro zenml compile", True),
        ("python -m kedro zenml compile --pipeline train", True),
        ("python kedro.exe zenml compile", True),
        ("python /venv/bin/kedro zenml compile --help", False),
        ("python /venv/bin/kedro zenml compile -h", False),
        ("python /venv/bin/kedro zenml run --params a=compile", False),
        ("python -m compileall compile", False),
        ("python", False),
    ],
)
def test_a_command_that_writes_a_document_keeps_standard_output(
    command: str, is_kept: bool
) -> None:
    words = [sys.executable, "-c", SCRIPT, *command.split()]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == (["document"] if is_kept else ["logged", "document"])
    assert done.stderr.split() == (["logged", "printed"] if is_kept else ["printed"])
