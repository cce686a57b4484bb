"""Plans of a small pipeline, without a project."""

from dataclasses import dataclass, field
from types import SimpleNamespace

from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node

from zenml_runner.plan import Plan, RunSpec
from zenml_runner.planning.planner import make_plan
from zenml_runner.settings.sections import Shards
from zenml_runner.settings.zenml_yml import read_settings


def one(*inputs):
    return inputs


PIPELINE = Pipeline(
    [
        node(one, "raw", "clean", name="clean", tags=["light"]),
        node(one, ["clean", "params:shard"], "parts", name="fit", tags=["heavy"]),
        node(one, ["clean", "params:shard"], "checks", name="check", tags=["heavy"]),
        node(one, "parts", "report", name="report", tags=["light"]),
    ]
)
FILES = {
    name: {"type": "text.TextDataset", "filepath": f"{name}.txt"}
    for name in ("raw", "clean", "report")
} | {
    name: {"type": "partitions.PartitionedDataset", "path": name, "dataset": "text.TextDataset"}
    for name in ("parts", "checks")
}
BUCKET = {
    name: {"type": "text.TextDataset", "filepath": f"memory://books/{name}.txt"} for name in FILES
}


@dataclass
class Execution:
    """What planning needs of a Kedro session."""

    pipeline: Pipeline
    catalog: DataCatalog
    settings: object
    registered: dict[str, Pipeline]
    run: RunSpec = field(default_factory=lambda: RunSpec(package="tiny", pipeline="train"))
    hooks: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(add_datasets=False))
    parameters: dict = field(default_factory=dict)


def plan(
    settings: dict | None = None,
    entries: dict | None = None,
    nodes: Pipeline = PIPELINE,
    remote: bool = False,
    shards: Shards | None = None,
    registered: dict[str, Pipeline] | None = None,
    parameters: dict | None = None,
) -> Plan:
    catalog = DataCatalog.from_config(FILES if entries is None else entries)
    catalog["params:shard"] = {"index": 1, "count": 1}
    execution = Execution(
        nodes,
        catalog,
        read_settings(settings or {}, "zenml.yml"),
        registered or {"train": nodes},
        parameters=parameters or {},
    )
    return make_plan(execution, remote=remote, shards=shards)  # type: ignore[arg-type]


def edges(made: Plan) -> dict[str, tuple[str, ...]]:
    return {step.name: step.after for step in made.steps}
