"""One run at a time writes a data root."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from book_forecast.execution.fingerprints import fingerprint
from book_forecast.storage.data_root import is_address
from book_forecast.storage.interruption import no_longer, when_interrupted
from book_forecast.storage.run_lock import Holder, run_lock

GROUP_VARIABLE = "KEDRO_RUN_GROUP"
"""The environment variable that names the run which this session is a part of."""


class RunLockHooks:
    """Locks the data root while a run writes it."""

    def __init__(self) -> None:
        self._context: KedroContext | None = None
        self._lock = ExitStack()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Note the context, whose parameters name the data root."""
        self._context = context

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Take the lock, or wait for it.

        Raises:
            UserError: If another run holds it for longer than `execution.wait_minutes`.
        """
        if self._context is None:
            return
        options = self._context.config_loader["parameters"]
        root = str(options["data_root"])
        if not is_address(root):
            root = str(Path(self._context.project_path, root).resolve())
        names = run_params.get("pipeline_names") or [run_params.get("pipeline_name")]
        pipeline = ", ".join(filter(None, names)) or "all pipelines"
        run = f"{pipeline} of {run_params.get('run_id', 'an unknown time')}"
        holder = Holder(run, _token(options, pipeline))
        self._release()
        wait_seconds = 60.0 * options["execution"]["wait_minutes"]
        self._lock.enter_context(run_lock(root, holder, wait_seconds))
        when_interrupted(self._release)

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """Release the lock."""
        self._release()

    @hook_impl(trylast=True)
    def on_pipeline_error(self) -> None:
        """Release the lock."""
        self._release()

    def _release(self) -> str:
        no_longer(self._release)
        self._lock.close()
        return ""


def _token(options: dict[str, Any], pipeline: str) -> str | None:
    """The name that the parts of one run share; None for a run of a single process."""
    if group := os.environ.get(GROUP_VARIABLE):
        return group
    execution = options["execution"]
    count = execution["shard"]["count"]
    if count == 1:
        return None
    return fingerprint({**options, "execution": {**execution, "shard": count}}, pipeline)
