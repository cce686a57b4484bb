"""`kedro serve`: the champion's forecasts over HTTP."""

import os
import sys
from pathlib import Path
from typing import Any, cast

import click

from book_forecast.cli.readable import ReadableCommand


@click.command(cls=ReadableCommand)
@click.option("--env", "-e", help="Environment whose releases are served.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--releases", help="Folder of all releases; by default the environment's.")
def serve(env: str | None, host: str, port: int, releases: str | None) -> None:
    """Serve the champion's forecasts over HTTP."""
    from kedro.framework.session import KedroSession

    with KedroSession.create(project_path=Path.cwd(), env=env) as session:
        context = cast("Any", session).load_context()
        releases = releases or context.config_loader["catalog"]["candidate"]["filepath"]
        project = Path(context.project_path)
    if "://" not in releases:
        releases = str(project / releases)
    # The process becomes the service, so that nothing of Kedro stays in memory.
    command = [sys.executable, "-m", "book_forecast.serving", "--host", host, "--port", str(port)]
    os.execv(sys.executable, [*command, "--releases", releases])  # noqa: S606
