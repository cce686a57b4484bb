"""Runs what a Vertex job asks for: each executor's own command, in the order of the job's DAG."""

import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner_testing.warm import Command
from tests import leash, processes

AT_A_TIME = 3  # a container waits for servers a third of its time
JOB_NAME = "{{$.pipeline_job_name}}"
CUSTOM_JOB = "google_cloud_pipeline_components.container.v1.custom_job.launcher"
CONTAINER = Path(__file__).parent / "container"
ROOT = Path(__file__).parents[2]
SOURCES = (ROOT, ROOT / "src", ROOT / "zenml_runner/src")


@dataclass(frozen=True)
class Task:
    """One task of a job's DAG, with its executor.

    Attributes:
        name: As Vertex shows it.
        after: Names of the tasks it waits for.
        container: Image, command, arguments, environment, resources.
        retries: How often it may be started again.
        machine: Of a custom job, which has a machine of its own.
    """

    name: str
    after: frozenset[str]
    container: dict[str, Any]
    retries: int
    machine: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        return {entry["name"]: entry["value"] for entry in self.container.get("env", [])}


def tasks_of(job: Mapping[str, Any]) -> dict[str, Task]:
    """The tasks of a job's specification by the name that Vertex shows."""
    spec = job["pipelineSpec"]
    executors = spec["deploymentSpec"]["executors"]
    tasks = spec["root"]["dag"]["tasks"]
    shown = {key: task["taskInfo"]["name"] for key, task in tasks.items()}
    found = {}
    for key, task in tasks.items():
        component = spec["components"][task["componentRef"]["name"]]
        container, machine = executors[component["executorLabel"]]["container"], {}
        if container["command"][-1] == CUSTOM_JOB:
            # Google's launcher starts the job that its parameters describe, and waits for it.
            parameters = component["inputDefinitions"]["parameters"]
            (pool,) = parameters["worker_pool_specs"]["defaultValue"]
            container, machine = pool["container_spec"], pool["machine_spec"]
        found[shown[key]] = Task(
            shown[key],
            frozenset(shown[other] for other in task.get("dependentTasks", [])),
            container,
            int(task.get("retryPolicy", {}).get("maxRetryCount", 0)),
            machine,
        )
    return found


@dataclass
class Outcome:
    """How a job has ended.

    Attributes:
        attempts: How often each task was started.
        failed: Tasks that have failed for good.
        output: What the containers printed, by task.
        seconds: How long each task took, all attempts together.
    """

    attempts: dict[str, int] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    output: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        return not self.failed

    def failures(self) -> str:
        """What the failed tasks printed."""
        return "\n".join(f"== {name}\n{self.output[name]}" for name in sorted(self.failed))


def start_container(
    command: Sequence[str], env: Mapping[str, str], disk: Path, output: Any, *, anew: bool = False
) -> Command | leash.Leashed:
    """Start a container's command, as a process that ends with this one.

    Args:
        command: Python and its arguments.
        env: Of the container.
        disk: Its folder.
        output: A file with a name, which gets both streams.
        anew: Whether Python starts anew instead of with libraries imported.
    """
    program, *words = command
    if anew:
        return leash.start(command, env=env, cwd=disk, output=output)
    assert program == "python"
    return processes.cloud.start(words, disk, env, Path(output.name))


class Machines:
    """Starts containers as processes, some at a time.

    Attributes:
        base: Environment of every container, as the image and Google Cloud would give it.
        kill_signs: Where a file `<task>.kill` appears, its container is killed.
        anew: Whether Python starts anew for each container instead of with libraries imported.
    """

    def __init__(
        self, base: Mapping[str, str], kill_signs: Path | None = None, *, anew: bool = False
    ) -> None:
        self.base, self.kill_signs, self.anew = dict(base), kill_signs, anew

    def run(self, job_name: str, job: Mapping[str, Any]) -> Outcome:
        """Run all tasks of a job that do not depend on a failed one, as Vertex's default is."""
        tasks, outcome = tasks_of(job), Outcome()
        waiting, done = dict(tasks), set[str]()
        running: dict[Future[bool], str] = {}
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            while True:
                for name in [n for n, task in waiting.items() if task.after <= done]:
                    task = waiting.pop(name)
                    running[pool.submit(self._run_task, job_name, task, outcome)] = name
                if not running:
                    return outcome
                for ended in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(ended)
                    (done if ended.result() else outcome.failed).add(name)

    def _run_task(self, job_name: str, task: Task, outcome: Outcome) -> bool:
        started = time.monotonic()
        for attempt in range(1, task.retries + 2):
            outcome.attempts[task.name] = attempt
            code, output = self._run_container(job_name, task)
            outcome.output[task.name] = outcome.output.get(task.name, "") + output
            if code == 0:
                break
        outcome.seconds[task.name] = time.monotonic() - started
        return code == 0

    def _run_container(self, job_name: str, task: Task) -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as disk, tempfile.NamedTemporaryFile("w+") as output:
            process = start_container(
                [*task.container["command"], *task.container["args"]],
                self._environment(job_name, task, Path(disk)),
                Path(disk),
                output,
                anew=self.anew,
            )
            while process.poll() is None:
                time.sleep(0.05)
                sign = self.kill_signs / f"{task.name}.kill" if self.kill_signs else None
                if sign is not None and sign.exists():
                    sign.unlink()
                    process.kill()
            output.seek(0)
            return process.wait(), output.read()

    def _environment(self, job_name: str, task: Task, disk: Path) -> dict[str, str]:
        own = {k: v.replace(JOB_NAME, job_name) for k, v in task.environment.items()}
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "PYTHONPATH": os.pathsep.join(map(str, (CONTAINER, *SOURCES))),
            "HOME": str(disk),
            "APP": str(disk),
            **self.base,
            **own,
        }
