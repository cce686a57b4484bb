"""`kedro zenml compile`: writes the pipeline that a run would submit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zenml_runner.redaction import without_secrets
from zenml_runner.stdout import only_for_document

if TYPE_CHECKING:
    from zenml_runner.commands.prepare import Prepared


def compile_pipeline(output: Path | None, project: Path | None, **arguments: Any) -> None:
    """Write the compiled pipeline as YAML, to the terminal if there is no output file."""
    with only_for_document():
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
