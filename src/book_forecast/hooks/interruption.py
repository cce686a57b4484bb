"""An interrupted run reports how far it came and how to resume it."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from pathlib import Path

from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from book_forecast.storage.interruption import no_longer, when_interrupted


class InterruptionHooks:
    """Follows a run, for the message after a signal; Kedro has no hook for one."""

    def __init__(self) -> None:
        self._left: Counter[str] = Counter()
        self._total = 0
        self._node = ""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Begin to follow a run."""
        self._left = Counter(_stage(node) for node in pipeline.nodes)
        self._total, self._node = len(pipeline.nodes), ""
        no_longer(self._report)
        when_interrupted(self._report)

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Note which node runs."""
        self._node = node.name

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """Count it as finished."""
        self._node = ""
        self._left[_stage(node)] -= 1

    @hook_impl
    def after_pipeline_run(self) -> None:
        """End to follow the run."""
        no_longer(self._report)

    @hook_impl
    def on_pipeline_error(self) -> None:
        """End to follow the run."""
        no_longer(self._report)

    def _report(self) -> str:
        done = self._total - self._left.total()
        finished = [stage for stage, left in self._left.items() if not left]
        at = f" It was in {self._node}." if self._node else ""
        stages = f" Finished: {', '.join(finished)}." if finished else ""
        return (
            f"{done} of {self._total} nodes are finished.{stages}{at} All finished results are "
            "stored, also those of single titles. The same command goes on from there:\n"
            f"    {_command()}"
        )


def _stage(node: Node) -> str:
    """The pipeline that a node belongs to, by its name."""
    return node.name.partition(".")[0]


def _command() -> str:
    program, *arguments = sys.argv
    path = Path(program)
    # For its own module Kedro puts `python -m kedro` there.
    name = f"python -m {path.parent.name}" if path.name == "__main__.py" else path.name
    return f"{name} {shlex.join(arguments)}"
