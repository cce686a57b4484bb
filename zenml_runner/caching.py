"""Leaves a step out where nothing it depends on has changed.

ZenML's own cache knows code, parameters and artifacts, but not the catalog's files. Here a step is
left out if its project's code, its parameters and the files it would read are those of the last
time that it completed, and what it wrote then has not been touched since.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from zenml_runner.execution import Execution
from zenml_runner.lineage import Lineage, describe
from zenml_runner.plan import StepPlan

logger = logging.getLogger(__name__)

KEY = "cache_key"


def previous(execution: Execution, step: StepPlan) -> Lineage | None:
    """What a step has read and written before, if running it again would change nothing.

    Args:
        execution: A loaded one.
        step: The step; nothing is looked up unless its settings ask for caching.

    Returns:
        The lineage of the last time; None if the step must run.
    """
    if not step.settings.caching:
        return None
    from zenml import log_metadata
    from zenml.client import Client

    key = _key(execution, step)
    if key is None:
        logger.info("%s cannot be cached: not all it reads are files", step.name)
        return None
    log_metadata({KEY: key})
    candidates = Client().list_run_steps(
        name=step.name, status="completed", sort_by="desc:created", size=20, hydrate=True
    )
    for run in candidates:
        if run.run_metadata.get(KEY) == key:
            lineage = Lineage.model_validate(run.outputs["lineage"][0].load())
            return lineage if _untouched(execution, lineage) else None
    return None


def _key(execution: Execution, step: StepPlan) -> str | None:
    """A hash of code, parameters and input files; None if an input cannot be told."""
    part = execution.pipeline.filter(node_names=list(step.nodes))
    known: dict[str, Any] = {"code": _code(execution.project.source), "nodes": step.nodes}
    known["shard"] = step.params
    for name in sorted(part.inputs()):
        if name == "parameters" or name.startswith("params:"):
            known[name] = repr(execution.catalog.load(name))
            continue
        fingerprint = describe(execution.catalog, name).fingerprint
        if fingerprint is None:
            return None
        known[name] = fingerprint
    return hashlib.blake2b(json.dumps(known, default=str).encode(), digest_size=16).hexdigest()


def _code(source: Path) -> str:
    """A hash of the Python files of a project; hidden folders hold those of others."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(source).as_posix()
        if "/." not in f"/{name}":
            digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _untouched(execution: Execution, lineage: Lineage) -> bool:
    return all(
        entry.fingerprint is not None
        and describe(execution.catalog, name).fingerprint == entry.fingerprint
        for name, entry in lineage.written.items()
    )
