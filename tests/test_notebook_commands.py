"""`kedro ipython` and `kedro jupyter` start in the project."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BIN = Path(sys.executable).parent
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/lab\?token=\w+")

pytestmark = pytest.mark.slow


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """Environment variables that place kernels and history outside of the home folder."""
    folders = {
        name: str(tmp_path / name.lower())
        for name in ("HOME", "IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return os.environ | folders | {"PATH": path, "DEPLOYMENT_ENV": "testing"}


@pytest.fixture
def jupyter(project_path: Path, surroundings: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """Address of a running `kedro jupyter lab`, with its token."""
    log = tmp_path / "jupyter.log"
    command = [str(BIN / "kedro"), "jupyter", "lab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"]
    with log.open("w") as output:
        server = subprocess.Popen(
            command,
            cwd=project_path,
            env=surroundings,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 90
        while not (
            found := re.search(r"http://127\.0\.0\.1:(\d+)/lab\?token=\w+", log.read_text())
        ):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.3)
        # Jupyter prints its address before it listens there.
        while not is_open(int(found[1])):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield found.group()
    finally:
        # Kedro starts Jupyter as a process of its own, which would outlive it.
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def is_open(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def get(address: str, path: str) -> Any:
    with urllib.request.urlopen(address.replace("/lab?", f"/{path}?"), timeout=30) as answer:
        return json.load(answer)


def test_ipython_has_the_project_in_the_chosen_environment(project_path, surroundings):
    code = "print('ENV', context.env, context.params['selection'].titles, len(pipelines) > 0)"
    ended = subprocess.run(
        [BIN / "kedro", "ipython", "-c", code],
        cwd=project_path,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "ENV testing all True" in ended.stdout, ended.stdout + ended.stderr


def test_jupyter_starts_with_the_projects_kernel(jupyter):
    specs = get(jupyter, "api/kernelspecs")
    assert specs["default"] == "kedro_book_forecast"
    assert "kedro.ipython" in specs["kernelspecs"]["kedro_book_forecast"]["spec"]["argv"]
