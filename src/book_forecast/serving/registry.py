"""Asks MLflow's registry for the champion, without MLflow in this process."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from queue import Empty, Queue
from typing import Any, Protocol

from book_forecast.serving.settings import Settings

MODEL, ALIAS, TAG = "book_forecast", "champion", "release"
"""The registered model, the alias of its version that is to be served, that version's tag."""
_NO_ALIAS = (b"RESOURCE_DOES_NOT_EXIST", b"INVALID_PARAMETER_VALUE")
"""What MLflow answers where there is no such model, or no such alias."""
_SECONDS = 5.0


class RegistryError(Exception):
    """The registry does not answer, or not so that the champion is known."""


class NotYetError(RegistryError):
    """The registry will answer in a moment; there is nothing wrong."""


class Registry(Protocol):
    """Knows the champion."""

    def champion(self) -> str | None:
        """The id of the release; None if no version has the alias.

        Raises:
            RegistryError: If the registry does not tell.
        """

    def close(self) -> None:
        """End what was started to ask."""


def registry_of(settings: Settings) -> Registry | None:
    """The registry that settings name."""
    if settings.registry is None:
        return None
    if settings.registry.startswith("sqlite:"):
        return ProcessRegistry(settings.registry)
    token = settings.registry_token
    return RestRegistry(settings.registry, token.get_secret_value() if token else None)


class RestRegistry:
    """MLflow's server, asked over REST."""

    def __init__(self, uri: str, token: str | None = None) -> None:
        parts = urllib.parse.urlsplit(uri)
        # Urllib would take user and password for a part of the host's name.
        self._name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        query = urllib.parse.urlencode({"name": MODEL, "alias": ALIAS})
        path = "/api/2.0/mlflow/registered-models/alias"
        address = f"{self._name}{parts.path.rstrip('/')}{path}?{query}"
        self._request = urllib.request.Request(address)  # noqa: S310
        if token:
            self._request.add_header("Authorization", f"Bearer {token}")
        elif parts.username:
            login = base64.b64encode(urllib.parse.unquote(parts.netloc.rpartition("@")[0]).encode())
            self._request.add_header("Authorization", f"Basic {login.decode()}")
        self._opener = urllib.request.build_opener(_NoRedirect)

    def champion(self) -> str | None:
        """The release that has the alias."""
        try:
            with self._opener.open(self._request, timeout=_SECONDS) as answer:
                return _release_of(json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(10_000)
                if error.code in (400, 404) and any(code in said for code in _NO_ALIAS):
                    return None
            raise RegistryError(f"MLflow at {self._name} answers {error.code}.") from None
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise RegistryError(f"MLflow at {self._name} does not answer: {reason}.") from None

    def close(self) -> None:
        """Nothing was started."""


class ProcessRegistry:
    """MLflow's database, asked by a process that has MLflow: a line in, a line of JSON out."""

    def __init__(self, uri: str) -> None:
        self._command = [sys.executable, "-m", "book_forecast.serving.registry_process", uri]
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: Queue[bytes] = Queue()
        self._is_up = False

    def champion(self) -> str | None:
        """The release that has the alias; importing MLflow takes the process some seconds."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        if not self._is_up:
            self._is_up = self._next(0.0) is not None
            if not self._is_up:
                raise NotYetError("The process that asks MLflow's database is starting.")
        self._ask()
        line = self._next(_SECONDS)
        if line is None:
            # An answer that comes after all would be taken for that to the next question.
            self.close()
            raise RegistryError(f"MLflow's database has not answered for {_SECONDS:.0f} s.")
        try:
            said = json.loads(line)
        except ValueError:
            said = {"problem": "no JSON"}
        if "problem" in said:
            raise RegistryError(f"MLflow's database cannot be asked: {said['problem']}.")
        release: str | None = said["release"]
        return release

    def close(self) -> None:
        """End the process."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self._is_up, self._answers = False, Queue()
        self._process = subprocess.Popen(  # noqa: S603
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        reader = threading.Thread(
            target=_read_lines, args=(self._process, self._answers), daemon=True
        )
        reader.start()

    def _ask(self) -> None:
        assert self._process is not None  # noqa: S101
        assert self._process.stdin is not None  # noqa: S101
        try:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        except OSError:
            raise RegistryError("The process that asks MLflow's database has ended.") from None

    def _next(self, seconds: float) -> bytes | None:
        try:
            return self._answers.get(block=seconds > 0.0, timeout=seconds)
        except Empty:
            return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token is for the server that was named, not for wherever that one points to."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _release_of(answer: Any) -> str:
    """The release in an answer of MLflow's REST interface."""
    try:
        tags = {tag["key"]: tag["value"] for tag in answer["model_version"]["tags"]}
    except (KeyError, TypeError):
        tags = {}
    if TAG not in tags:
        raise RegistryError(f"The version with the alias {ALIAS} has no tag {TAG}.")
    return str(tags[TAG])


def _read_lines(process: subprocess.Popen[bytes], into: Queue[bytes]) -> None:
    assert process.stdout is not None  # noqa: S101
    for line in process.stdout:
        into.put(line)
