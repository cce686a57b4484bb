"""`kedro mlflow ui` shows the store's address to nobody else on the machine."""

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests import leash
from tests.serving.servers import eventually

SECRET = "hunter2"


def command_lines() -> list[str]:
    """What every process of the machine shows to all users."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


@pytest.mark.slow
def test_the_page_opens_and_no_argument_has_the_address_of_the_store(tmp_path, project_path):
    folder = tmp_path / SECRET
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "kedro", "mlflow", "ui", "--port", port]
    variables = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    process = leash.start(command, env=variables, cwd=project_path)
    try:

        def is_open() -> bool:
            assert process.poll() is None
            with suppress(httpx.TransportError):
                return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).is_success
            return False

        eventually(is_open, 300)
        shown = command_lines()
    finally:
        leash.end(process)
    assert any("mlflow ui" in line for line in shown)
    assert not [line for line in shown if SECRET in line]
    assert (folder / "mlflow.db").exists()
