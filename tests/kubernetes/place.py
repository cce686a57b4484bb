"""A project, ZenML's server and a bucket, for stacks whose steps run elsewhere."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import yaml

from runner_testing.projects import write_files
from tests import processes
from tests.gcs_buckets import make_bucket
from tests.vertex.executors import ROOT
from tests.vertex.servers import ZenmlServer

CONTEXT = "loopback"
REGISTER = """
from zenml.client import Client
from zenml.enums import StackComponentType as Kind

client = Client()
made = {
    Kind[kind]: client.create_stack_component(name, flavor, Kind[kind], config).id
    for kind, name, flavor, config in COMPONENTS
}
client.create_stack(STACK, made)
"""


@dataclass(frozen=True)
class Place:
    """Where commands are typed.

    Attributes:
        project: The project's folder.
        bucket: The emulator's filesystem.
        image: Environment variables that an image would have.
        environment: Those of commands.
    """

    project: Path
    bucket: Any
    image: dict[str, str]
    environment: dict[str, str]

    def type(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `python -m zenml_runner` to its end."""
        words = ["-m", "zenml_runner", command, "--project", str(self.project), *arguments]
        return self.python(*words)

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        process = processes.cloud.start(words, self.project, self.environment)
        output, _ = process.communicate()
        return subprocess.CompletedProcess(words, process.wait(), output)

    def register(self, stack: str, *components: tuple[str, str, str, dict[str, Any]]) -> None:
        """Register a stack, as somebody else would.

        Args:
            stack: Its name.
            components: Kind, name, flavor and configuration of those that make it.
        """
        every = [
            *components,
            ("CONTAINER_REGISTRY", f"{stack}-r", "default", {"uri": "registry.example.com"}),
            ("ARTIFACT_STORE", f"{stack}-bucket", "gcp", {"path": "gs://artifacts"}),
            ("IMAGE_BUILDER", f"{stack}-builder", "local", {}),
        ]
        script = self.project.parent / "register.py"
        script.write_text(f"COMPONENTS, STACK = {every!r}, {stack!r}\n{REGISTER}")
        done = self.python(str(script))
        assert done.returncode == 0, done.stdout


def write_kubeconfig(path: Path, url: str) -> None:
    """Write the file that names a cluster by its address."""
    content = {
        "clusters": [{"name": CONTEXT, "cluster": {"server": url}}],
        "users": [{"name": CONTEXT, "user": {}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
    path.write_text(yaml.safe_dump(content))


def make_place(
    home: Path, files: Mapping[str, str], server: ZenmlServer, storage: str, bucket: str
) -> Place:
    """Write a project, and make its bucket and ZenML's.

    Args:
        home: Where everything keeps its files.
        files: Of the project.
        server: ZenML's.
        storage: Address of the storage emulator.
        bucket: Name of the project's bucket.
    """
    project = write_files(home / "project", dict(files))
    image = {
        "ZENML_RUNNER_PROJECT": str(project),
        "STORAGE_EMULATOR_HOST": storage,
        "GOOGLE_CLOUD_PROJECT": "books",
        # gcsfs would ask by gRPC what kind of bucket it is, past the emulator, for a minute.
        "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        "KUBECONFIG": str(home / "kubeconfig"),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "PYTHONWARNINGS": "ignore::FutureWarning",
    }
    environment = image | {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join((str(ROOT / "zenml_runner/src"), str(ROOT))),
        "COLUMNS": "200",
        "ZENML_CONFIG_PATH": str(home / "client"),
        "ZENML_STORE_URL": server.url,
        "ZENML_STORE_API_KEY": server.api_key,
    }
    google = {"endpoint_url": storage, "token": "anon", "project": "books"}
    filesystem = fsspec.filesystem("gcs", **google)
    for name in ("artifacts", bucket):
        make_bucket(storage, name)
    return Place(project, filesystem, image, environment)
