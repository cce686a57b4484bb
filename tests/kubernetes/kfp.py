"""Stands in for the API of Kubeflow Pipelines on loopback, and remembers what it is sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from runner_testing.loopback import JsonHandler, served

_PREFIX = "/apis/v2beta1/"
_IDS = {"runs": "run_id", "experiments": "experiment_id", "recurringruns": "recurring_run_id"}


@dataclass
class FakeKfp:
    """The API.

    Attributes:
        url: Its address.
        sent: Runs, experiments and recurring runs, in their order.
    """

    url: str = ""
    sent: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {k: [] for k in _IDS})


@contextmanager
def fake_kfp() -> Iterator[FakeKfp]:
    api = FakeKfp()
    with served(_Handler, api) as address:
        api.url = f"http://{address}"
        yield api


class _Handler(JsonHandler):
    api: FakeKfp

    def get(self) -> None:
        kind = self._kind()
        self.answer({"multi_user": False} if kind == "healthz" else {kind: []})

    def post(self) -> None:
        kind = self._kind()
        body = self.body()
        sent = self.api.sent[kind]
        sent.append(body)
        self.answer(body | {_IDS[kind]: f"{kind}-{len(sent)}"})

    def _kind(self) -> str:
        """The kind of object; a cluster's proxy puts its own path before."""
        return urlsplit(self.path).path.rpartition(_PREFIX)[2]
