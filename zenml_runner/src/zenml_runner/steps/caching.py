"""Skips a step when nothing it depends on has changed.

ZenML's own cache knows code, parameters and artifacts, but not the catalog's files. Here the cache
key covers the project's code and libraries, the step's parameters, the files it reads, and the
catalog's configuration of all that it reads and writes. A step is skipped if its last completed run
has the same key and the files it wrote then are unchanged.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.io.core import is_parameter

from zenml_runner.client import installed_packages
from zenml_runner.kedro_project.catalog import configuration_of
from zenml_runner.kedro_project.execution import Execution
from zenml_runner.kedro_project.lineage import StepLineage, describe
from zenml_runner.kedro_project.private import unwrap
from zenml_runner.plan import StepPlan

logger = logging.getLogger(__name__)

KEY = "cache_key"


def former_run(execution: Execution, step: StepPlan) -> Any:
    """Return the last run of a step in ZenML if another one would change nothing.

    Args:
        execution: A loaded execution.
        step: The step; its settings say whether it uses the cache.

    Returns:
        ZenML's step run with its metadata; None if the step must run.
    """
    if not step.settings.caching:
        return None
    from zenml import log_metadata
    from zenml.client import Client

    key = _key(execution, step)
    if key is None:
        logger.info("%s cannot be cached: it reads datasets that are not files", step.name)
        return None
    log_metadata({KEY: key})
    found = Client().list_run_steps(
        name=step.name,
        status="completed",
        run_metadata=[f"{KEY}:{key}"],
        sort_by="desc:created",
        size=1,
        hydrate=True,
    )
    if not found.items:
        return None
    former = found.items[0]
    lineage = StepLineage.of_metadata(former.run_metadata)
    return former if _is_unchanged(execution, step, lineage) else None


def _key(execution: Execution, step: StepPlan) -> str | None:
    """Return a hash of all that a step depends on; None if an input has no fingerprint."""
    part = execution.part(step.nodes)
    content: dict[str, Any] = {
        "project": execution.project.path,
        "code": _code(execution.project.source),
        "libraries": [platform.python_version(), *installed_packages()],
        "nodes": step.nodes,
        "shard": step.params,
        "catalog": {
            name: _configuration(execution, name)
            for name in sorted(part.datasets())
            if not is_parameter(name)
        },
    }
    for name in sorted(part.inputs()):
        if is_parameter(name):
            content[name] = repr(execution.catalog.load(name))
            continue
        content[name] = describe(execution.catalog, name).fingerprint
        if content[name] is None:
            return None
    return hashlib.blake2b(json.dumps(content, default=str).encode(), digest_size=16).hexdigest()


def _configuration(execution: Execution, name: str) -> Any:
    """Return the catalog's configuration of a dataset, without credentials."""
    configuration: Any = configuration_of(execution.catalog, name)
    if not configuration:
        dataset = unwrap(execution.catalog.get(name, fallback_to_runtime_pattern=True))
        try:
            configuration = dataset.to_config()
        except Exception:  # noqa: BLE001 - types of a project may not allow it
            configuration = {"type": f"{type(dataset).__module__}.{type(dataset).__qualname__}"}
    return _without_credentials(configuration)


def _without_credentials(thing: Any) -> Any:
    if isinstance(thing, Mapping):
        return {
            str(key): _without_credentials(value)
            for key, value in thing.items()
            if key != "credentials"
        }
    return [_without_credentials(value) for value in thing] if isinstance(thing, list) else thing


def _code(source: Path) -> str:
    """Return a hash of a project's Python files, without those in hidden folders."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(source).as_posix()
        if "/." not in f"/{name}":
            digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _is_unchanged(execution: Execution, step: StepPlan, lineage: StepLineage) -> bool:
    """Return whether all that a step has written is there, as it was written then."""
    # ZenML may have dropped metadata that are too long.
    if not execution.part(step.nodes).outputs() <= set(lineage.written):
        return False
    return all(
        entry.fingerprint is not None
        and describe(execution.catalog, name).fingerprint == entry.fingerprint
        for name, entry in lineage.written.items()
    )
