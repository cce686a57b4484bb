"""Writes what would be submitted."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from zenml_runner.commands.prepare import Prepared, prepare
from zenml_runner.redaction import without_secrets


def compile_pipeline(output: Path | None, project: Path | None, **arguments: Any) -> None:
    """Write the compiled pipeline as YAML.

    Args:
        output: The file; the terminal if None.
        project: Folder of the Kedro project.
        arguments: Of `prepare`.
    """
    import yaml

    # Projects may log to standard output, where the document goes.
    logging.disable(logging.WARNING)
    prepared = prepare(project, **arguments)
    document = without_secrets(compiled(prepared))
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    if output is None:
        click.echo(text)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    waiting = output.with_name(f".{output.name}.part")
    waiting.write_text(text, encoding="utf-8")
    waiting.replace(output)
    click.echo(f"Wrote {len(prepared.plan.steps)} steps of {prepared.plan.run.pipeline}: {output}")


def compiled(prepared: Prepared) -> dict[str, Any]:
    """The pipeline as it would be submitted: what all steps share, the stack, and each step."""
    plan, settings = prepared.plan, prepared.settings
    head: dict[str, Any] = {
        "pipeline": plan.run.pipeline,
        "stack": {
            "name": prepared.stack_name,
            **prepared.stack.model_dump(mode="json", exclude_none=True),
        },
        "run": plan.run.model_dump(mode="json", exclude_defaults=True),
    }
    if prepared.remote:
        head |= {"image": settings.image, "labels": settings.labels}
    return {
        **head,
        "steps": [step.model_dump(mode="json", exclude_defaults=True) for step in plan.steps],
    }
