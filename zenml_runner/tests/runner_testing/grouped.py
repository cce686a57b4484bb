"""A project whose shards read their parameter within a group."""

import json
from pathlib import Path
from typing import Any

import kedro

FILES = {
    "pyproject.toml": f"""
[tool.kedro]
package_name = "grouped"
project_name = "grouped"
kedro_init_version = "{kedro.__version__}"
source_dir = "src"
""",
    "src/grouped/__init__.py": "",
    "src/grouped/settings.py": """
from grouped.hooks import Groups
HOOKS = (Groups(),)
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-mlflow", "kedro_mlflow", "kedro-viz")
""",
    "src/grouped/hooks.py": """
import os
from pathlib import Path
from kedro.framework.hooks import hook_impl


class Groups:
    @hook_impl
    def after_context_created(self, context):
        note("after_context_created")
        parameters = dict(context.config_loader["parameters"])
        if parameters.get("titles") == "none":
            raise ValueError("no titles")
        for name in ("titles",):
            if name in parameters:
                parameters["selection"] = {name: parameters.pop(name)}
        context.config_loader["parameters"] = parameters

    @hook_impl
    def before_pipeline_run(self): note("before_pipeline_run")
    @hook_impl
    def after_pipeline_run(self): note("after_pipeline_run")
    @hook_impl
    def before_node_run(self, node): note(node.name)


def note(hook):
    with Path("record").open("a") as file:
        file.write(f"{hook} {os.environ.get('KEDRO_RUN_GROUP')}\\n")
""",
    "src/grouped/pipeline_registry.py": """
import os
from kedro.pipeline import Pipeline, node


def part(execution, shard, selection):
    if os.environ.get("FAILS") == str(shard["index"]):
        raise RuntimeError("the shard is broken")
    return {f"{shard['index']}": [execution, selection]}


def whole(parameters):
    shard = parameters["execution"]["shard"]
    return {f"all-{shard['index']}": [parameters["execution"], parameters["selection"]]}


def jobs(n_jobs): return n_jobs


def register_pipelines():
    inputs = ["params:execution", "params:execution.shard", "params:selection"]
    work = Pipeline([
        node(part, inputs, "parts", name="part"),
        node(whole, "parameters", "wholes", name="whole"),
        node(jobs, "params:execution.n_jobs", "n_jobs", name="jobs"),
    ])
    return {"__default__": work, "work": work}
""",
    "conf/base/parameters.yml": """
execution: {n_jobs: 1, shard: {index: 1, count: 1}}
selection: {titles: few}
""",
    "conf/base/catalog.yml": """
parts: &parts
  type: partitions.PartitionedDataset
  path: data/parts
  dataset: json.JSONDataset
  filename_suffix: .json
wholes: {<<: *parts, path: data/wholes}
n_jobs: {type: json.JSONDataset, filepath: data/n_jobs.json}
""",
    "conf/base/zenml.yml": """
stacks: {local: {type: local}}
fan_out: {pipelines: {work: shards}, parameter: execution.shard}
steps: {default: {caching: true}}
""",
    "conf/local/credentials.yml": "",
}


def written(project: Path) -> dict[str, Any]:
    folders = (project / "data").glob("*/*.json")
    return {path.stem: json.loads(path.read_text()) for path in folders}


def expected(titles: str = "few", n_jobs: int = 1) -> dict[str, Any]:
    """Each shard's group has the other parameters of the group too."""
    groups = [
        [{"n_jobs": n_jobs, "shard": {"index": k, "count": 2}}, {"titles": titles}] for k in (1, 2)
    ]
    return {name: groups[int(name[-1]) - 1] for name in ("1", "2", "all-1", "all-2")}
