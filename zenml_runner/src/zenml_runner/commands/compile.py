"""`kedro zenml compile`: writes the pipeline that a run would submit."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zenml_runner.redaction import without_secrets

if TYPE_CHECKING:
    from zenml_runner.commands.prepare import Prepared


def compile_pipeline(output: Path | None, project: Path | None, **arguments: Any) -> None:
    """Write the compiled pipeline as YAML, to the terminal if there is no output file."""
    if output is None and click.get_current_context().find_root().command.name != "zenml":
        # Kedro logs when it is imported, before it looks for plugins.
        click.echo(
            "Note: unless conf/logging.yml prevents it, kedro logs to standard output before "
            "it loads plugins. `python -m zenml_runner compile` and --output write YAML alone.",
            err=True,
        )
    with _nothing_on_stdout():
        # Kedro logs to standard output as soon as it is imported.
        import yaml

        from zenml_runner.commands.prepare import prepare

        prepared = prepare(project, **arguments)
        document = without_secrets(_compiled(prepared))
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    if output is None:
        click.echo(text)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(f".{output.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(output)
    click.echo(f"Wrote {len(prepared.plan.steps)} steps of {prepared.plan.run.pipeline}: {output}")


@contextmanager
def _nothing_on_stdout() -> Iterator[None]:
    """Send to standard error what Kedro, plugins and the project print or log."""
    with redirect_stdout(sys.stderr):
        # Handlers of loggers hold the original stream, and libraries write to the descriptor.
        _flush()
        stdout = os.dup(1)
        os.dup2(2, 1)
        try:
            yield
        finally:
            _flush()
            os.dup2(stdout, 1)
            os.close(stdout)


def _flush() -> None:
    if sys.__stdout__ is not None:
        sys.__stdout__.flush()


def _compiled(prepared: Prepared) -> dict[str, Any]:
    """Return the stack, the settings that all steps share, and each step."""
    plan, settings = prepared.plan, prepared.settings
    stack = prepared.stack.model_dump(mode="json", exclude_none=True)
    return {
        "pipeline": plan.run.pipeline,
        "stack": {"name": prepared.stack_name, **stack},
        "run": plan.run.model_dump(mode="json", exclude_defaults=True),
        **({"image": settings.image, "labels": settings.labels} if prepared.remote else {}),
        "steps": [step.model_dump(mode="json", exclude_defaults=True) for step in plan.steps],
    }
