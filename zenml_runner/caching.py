"""Skips a step when nothing it depends on has changed.

ZenML's own cache knows code, parameters and artifacts, but not the catalog's files. Here the cache
key covers the project's code, the step's parameters and the files it reads. A step is skipped if
its last completed run has the same key and the files it wrote then are unchanged.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from kedro.io.core import is_parameter

from zenml_runner.execution import Execution
from zenml_runner.lineage import StepLineage, describe
from zenml_runner.plan import StepPlan

logger = logging.getLogger(__name__)

KEY = "cache_key"


def cached_lineage(execution: Execution, step: StepPlan) -> StepLineage | None:
    """Return the lineage of a step's last run if another run would change nothing.

    Args:
        execution: A loaded execution.
        step: The step; its settings say whether it uses the cache.

    Returns:
        The lineage; None if the step must run.
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
    candidates = Client().list_run_steps(
        name=step.name, status="completed", sort_by="desc:created", size=20, hydrate=True
    )
    for run in candidates:
        if run.run_metadata.get(KEY) == key:
            lineage = StepLineage.model_validate(run.outputs["lineage"][0].load())
            return lineage if _is_unchanged(execution, lineage) else None
    return None


def _key(execution: Execution, step: StepPlan) -> str | None:
    """Return a hash of code, parameters and input files; None if an input has no fingerprint."""
    part = execution.part(step.nodes)
    content: dict[str, Any] = {"code": _code(execution.project.source), "nodes": step.nodes}
    content["shard"] = step.params
    for name in sorted(part.inputs()):
        if is_parameter(name):
            content[name] = repr(execution.catalog.load(name))
            continue
        content[name] = describe(execution.catalog, name).fingerprint
        if content[name] is None:
            return None
    return hashlib.blake2b(json.dumps(content, default=str).encode(), digest_size=16).hexdigest()


def _code(source: Path) -> str:
    """Return a hash of a project's Python files, without those in hidden folders."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(source).as_posix()
        if "/." not in f"/{name}":
            digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _is_unchanged(execution: Execution, lineage: StepLineage) -> bool:
    return all(
        entry.fingerprint is not None
        and describe(execution.catalog, name).fingerprint == entry.fingerprint
        for name, entry in lineage.written.items()
    )
