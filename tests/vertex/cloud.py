"""All stand-ins together: what a project needs to run on Vertex, on loopback."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec
from mlflow import MlflowClient

from runner_testing.warm import Command
from tests import processes
from tests.gcs_buckets import make_bucket
from tests.vertex.executors import SOURCES, Machines, Outcome
from tests.vertex.rest import FakeVertex, fake_vertex
from tests.vertex.servers import ZenmlServer, mlflow_server

THEN = "--then"
OFFLINE = "tests.vertex.offline"


@dataclass(frozen=True)
class Watched:
    """A run that was waited for.

    Attributes:
        job_id: Of the Vertex job.
        code: Exit code of the command.
        output: What the command printed.
        outcome: What became of the containers.
    """

    job_id: str
    code: int
    output: str
    outcome: Outcome


@dataclass(frozen=True)
class Cloud:
    """Servers, and the commands and containers that talk to them.

    Attributes:
        home: Where everything keeps its files.
        storage: Address of the storage emulator.
        vertex: Stands in for Vertex.
        zenml: ZenML's server.
        mlflow: Address of MLflow's server.
    """

    home: Path
    storage: str
    vertex: FakeVertex
    zenml: ZenmlServer
    mlflow: str

    @cached_property
    def google(self) -> dict[str, str]:
        """What commands and containers know of Google Cloud."""
        return {
            "STORAGE_EMULATOR_HOST": self.storage,
            "GOOGLE_CLOUD_PROJECT": "books",
            # gcsfs would ask by gRPC what kind of bucket it is, past the emulator, for a minute.
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        }

    @cached_property
    def bucket(self) -> Any:
        """The emulator's filesystem, for this process."""
        return fsspec.filesystem("gcs", endpoint_url=self.storage, token="anon", project="books")

    @cached_property
    def tracking(self) -> MlflowClient:
        return MlflowClient(self.mlflow)

    def make_bucket(self, name: str) -> None:
        make_bucket(self.storage, name)

    def start(self, project: Path, *commands: Sequence[str], **variables: str) -> Command:
        """Start `python -m zenml_runner …` on a machine that only knows the servers.

        Several commands run one after the other in one process, which spares its start-up.
        """
        words = ["-m", OFFLINE]
        for name, *arguments in commands:
            words += [name, "--project", str(project), *arguments, THEN]
        return processes.cloud.start(words[:-1], self.home, self._environment() | variables)

    def _environment(self) -> dict[str, str]:
        names = ("PATH", "LANG", "VIRTUAL_ENV", "XDG_CACHE_HOME")
        environment = {name: os.environ[name] for name in names if name in os.environ}
        return (
            environment
            | self.google
            | {
                "HOME": str(self.home),
                "PYTHONPATH": os.pathsep.join(map(str, SOURCES)),
                "COLUMNS": "200",
                # Google's words on the age of this Python, which the command itself silences.
                "PYTHONWARNINGS": "ignore::FutureWarning",
                "FAKE_VERTEX_URL": self.vertex.url,
                "ZENML_CONFIG_PATH": str(self.home / "client"),
                "ZENML_STORE_URL": self.zenml.url,
                "ZENML_STORE_API_KEY": self.zenml.api_key,
                "MLFLOW_TRACKING_TOKEN": "none",
            }
        )

    def type(self, project: Path, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run a command to its end: its exit code and what it printed."""
        process = self.start(project, arguments, **variables)
        output, _ = process.communicate()
        return process.wait(), output

    def run_watched(self, project: Path, trouble: Path, *arguments: str) -> Watched:
        """Run `run --wait …` of the pipeline `squares` while its containers run."""
        before = len(self.jobs("squares"))
        process = self.start(project, [*arguments, "--wait"])
        job_id = self.submitted("squares", before, process)
        outcome = self.execute(job_id, project, trouble)
        output, _ = process.communicate()
        return Watched(job_id, process.wait(), output, outcome)

    def submitted(self, pipeline: str, number: int, process: Command) -> str:
        """Wait for a pipeline's job, by its number from 0, as long as the command runs."""
        while len(jobs := self.jobs(pipeline)) <= number:
            if process.poll() is not None:
                raise AssertionError(process.communicate()[0])
            time.sleep(0.1)
        return jobs[number]

    def jobs(self, pipeline: str) -> list[str]:
        """The jobs of a pipeline, the last one at the end; those of schedules have no such name."""
        return [
            i for i, job in self.vertex.jobs.copy().items() if job.get("displayName") == pipeline
        ]

    def schedules(self, package: str) -> list[dict[str, Any]]:
        """The schedules of a project, as Vertex has got them."""
        return [s for s in self.vertex.schedules if s["displayName"].startswith(f"{package}-")]

    def execute(
        self, job_id: str, project: Path, trouble: Path | None = None, *, anew: bool = False
    ) -> Outcome:
        """Run the containers of a job, and let Vertex know how it ended."""
        job = self.vertex.jobs[job_id]
        base = self.google | {"ZENML_RUNNER_PROJECT": str(project), "COLUMNS": "200"}
        if trouble is not None:
            base["TROUBLE"] = str(trouble)
        outcome = Machines(base, trouble, anew=anew).run(job_id, job)
        self.vertex.end(job, succeeded=outcome.succeeded)
        return outcome

    def zenml_run(self, job_id: str) -> dict[str, Any]:
        """The ZenML run of a job."""
        found = self.zenml.get("runs", orchestrator_run_id=job_id, hydrate="true")["items"]
        assert len(found) == 1, found
        return dict(found[0])

    def mlflow_runs(self, zenml_run: Mapping[str, Any]) -> list[Any]:
        """The MLflow runs of a ZenML run, child runs left out."""
        experiments = [e.experiment_id for e in self.tracking.search_experiments()]
        found = self.tracking.search_runs(experiments, f"tags.`zenml.run_id` = '{zenml_run['id']}'")
        return [run for run in found if "mlflow.parentRunId" not in run.data.tags]


@contextmanager
def cloud(home: Path, storage: str, start_zenml: Callable[[], ZenmlServer]) -> Iterator[Cloud]:
    """Start everything that is not storage.

    Args:
        home: Where everything keeps its files.
        storage: Address of the storage emulator.
        start_zenml: Starts ZenML's server, or returns one that runs.
    """
    with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        # Both take many seconds to import what they are made of.
        context = mlflow_server(home / "mlflow")
        tracking = pool.submit(stack.enter_context, context)
        zenml = start_zenml()
        made = Cloud(home, storage, stack.enter_context(fake_vertex()), zenml, tracking.result())
        made.make_bucket("artifacts")
        yield made
