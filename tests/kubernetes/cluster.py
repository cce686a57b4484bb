"""Stands in for a Kubernetes cluster on loopback: it runs the pods of its jobs as processes.

It knows what ZenML asks for: jobs, cron jobs, pods, secrets, service accounts and role bindings. A
job has the retries and the deadline of its specification. A cron job stays, and never fires.
"""

import base64
import itertools
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from runner_testing.loopback import JsonHandler, served
from runner_testing.warm import Command
from tests.leash import Leashed
from tests.vertex.executors import CONTAINER, ROOT, start_container

_PATH = re.compile(r"/(?:api|apis/[^/]+)/v1/namespaces/([^/]+)/([a-z]+)(?:/([^/]+))?(?:/([a-z]+))?")
_CREATED = "2026-01-01T00:00:00Z"

Manifest = dict[str, Any]


@dataclass
class Cluster:
    """The cluster.

    Attributes:
        url: Of its API.
        base: Environment of every container, as the image would give it.
        objects: By their kind in the plural, and by name.
        asked: All objects that were ever made, likewise in their order.
        output: What containers have printed, by pod.
    """

    url: str = ""
    base: dict[str, str] = field(default_factory=dict)
    objects: dict[str, dict[str, Manifest]] = field(default_factory=dict)
    asked: dict[str, list[Manifest]] = field(default_factory=dict)
    output: dict[str, str] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _running: dict[str, Command | Leashed] = field(default_factory=dict)

    def jobs_of(self, step: str) -> list[Manifest]:
        """The jobs of a step; "" are those that start the steps of a run."""
        return [
            job
            for job in self.asked.get("jobs", [])
            if job["metadata"].get("labels", {}).get("step_name", "") == step
        ]

    def create(self, kind: str, manifest: Manifest) -> Manifest:
        with self._lock:
            metadata = manifest.setdefault("metadata", {})
            name = metadata.setdefault("name", f"{kind}-{next(self._numbers)}")
            metadata |= {"uid": f"uid-{next(self._numbers)}", "creationTimestamp": _CREATED}
            self.objects.setdefault(kind, {})[name] = manifest
            self.asked.setdefault(kind, []).append(manifest)
        if kind == "jobs":
            _add_defaults(manifest)
            threading.Thread(target=self._run_job, args=[manifest], daemon=True).start()
        return manifest

    def delete(self, kind: str, name: str) -> Manifest | None:
        with self._lock:
            found = self.objects.get(kind, {}).pop(name, None)
            for pod, process in self._running.items():
                if kind == "jobs" and pod.startswith(f"{name}-"):
                    process.kill()
            return found

    def end(self) -> None:
        for process in list(self._running.values()):
            process.kill()

    def _run_job(self, job: Manifest) -> None:
        spec = job["spec"]
        deadline = time.monotonic() + spec.get("activeDeadlineSeconds", 3600)
        reason = "BackoffLimitExceeded"
        for _ in range(spec.get("backoffLimit", 6) + 1):
            code = self._run_pod(job, deadline)
            if code == 0:
                job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
                return
            if time.monotonic() >= deadline:
                reason = "DeadlineExceeded"
                break
        failed = {"type": "Failed", "status": "True", "reason": reason, "message": reason}
        job["status"] = {"conditions": [failed]}

    def _run_pod(self, job: Manifest, deadline: float) -> int:
        """Run a pod of a job to its end; return its exit code."""
        name = f"{job['metadata']['name']}-{next(self._numbers)}"
        template = job["spec"]["template"]
        labels = template.get("metadata", {}).get("labels", {})
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": job["metadata"]["name"],
            "uid": job["metadata"]["uid"],
            "controller": True,
        }
        metadata = {
            "name": name,
            "labels": labels | {"job-name": job["metadata"]["name"]},
            "ownerReferences": [owner],
        }
        pod = {"metadata": metadata, "spec": template["spec"], "status": {"phase": "Running"}}
        self.create("pods", pod)
        (container,) = template["spec"]["containers"]
        with tempfile.TemporaryDirectory() as disk, tempfile.NamedTemporaryFile("w+") as output:
            process = start_container(
                [*container["command"], *container["args"]],
                self._environment(name, container, disk),
                Path(disk),
                output,
            )
            self._running[name] = process
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            process.kill()
            output.seek(0)
            self.output[name] = output.read()
        del self._running[name]
        pod["status"] = {"phase": "Succeeded" if process.wait() == 0 else "Failed"}
        return process.wait()

    def _environment(self, pod: str, container: Manifest, disk: str) -> dict[str, str]:
        own = {}
        for entry in container.get("env", []):
            value = entry.get("value", "")
            if source := entry.get("valueFrom", {}).get("secretKeyRef"):
                data = self.objects["secrets"][source["name"]]["data"]
                value = base64.b64decode(data[source["key"]]).decode()
            own[entry["name"]] = value
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONPATH": f"{CONTAINER}:{ROOT / 'zenml_runner/src'}:{ROOT}",
            "HOME": disk,
            "APP": disk,
            "POD_NAME": pod,
            **self.base,
            **own,
        }


@contextmanager
def fake_cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    with served(_Handler, cluster) as address:
        cluster.url = f"http://{address}"
        try:
            yield cluster
        finally:
            cluster.end()


def _add_defaults(job: Manifest) -> None:
    """Add what a cluster adds to a job, as far as Kubernetes' client asks for it."""
    job["status"] = {}
    for rule in job["spec"].get("podFailurePolicy", {}).get("rules", []):
        for condition in rule.get("onPodConditions", []):
            condition.setdefault("status", "True")


class _Handler(JsonHandler):
    api: Cluster

    def post(self) -> None:
        _, kind, _, _ = self._place()
        self.answer(self.api.create(kind, self.body()), 201)

    def get(self) -> None:
        _, kind, name, part = self._place()
        if part == "log":
            self.answer(self.api.output.get(name, ""))
        elif name:
            self._found(self.api.objects.get(kind, {}).get(name))
        else:
            query = parse_qs(urlsplit(self.path).query)
            wanted = dict(
                pair.split("=", 1)
                for text in query.get("labelSelector", [])
                for pair in text.split(",")
            )
            phase = query.get("fieldSelector", [""])[0].removeprefix("status.phase=")
            found = [
                one
                for one in list(self.api.objects.get(kind, {}).values())
                if wanted.items() <= one["metadata"].get("labels", {}).items()
                and phase in ("", one.get("status", {}).get("phase"))
            ]
            self.answer({"items": found, "metadata": {}})

    def patch(self) -> None:
        _, kind, name, _ = self._place()
        found = self.api.objects.get(kind, {}).get(name)
        if found is not None:
            for part, values in self.body().items():
                if isinstance(values, dict):
                    found.setdefault(part, {}).update(
                        {
                            key: {**found[part].get(key, {}), **value}
                            if isinstance(value, dict)
                            else value
                            for key, value in values.items()
                            if value is not None
                        }
                    )
        self._found(found)

    def delete(self) -> None:
        _, kind, name, _ = self._place()
        self._found(self.api.delete(kind, name))

    def _place(self) -> tuple[str, str, str, str]:
        """Namespace, kind, name and part of the object that a request is about."""
        path = urlsplit(self.path).path
        found = _PATH.fullmatch(path)
        if found is None:
            return "", path.rpartition("/")[2], "", ""
        namespace, kind, name, part = (text or "" for text in found.groups())
        return namespace, kind, name, part

    def _found(self, found: Manifest | None) -> None:
        if found is None:
            self.answer({"message": "not found", "reason": "NotFound", "code": 404}, 404)
        else:
            self.answer(found)
