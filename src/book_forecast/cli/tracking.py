"""`kedro mlflow`: the plugin's commands, but for its page, which would show passwords."""

import os
import subprocess
import sys
import webbrowser
from typing import Any, cast

import click

from book_forecast.cli.readable import ReadableCommand
from book_forecast.storage.mlflow_store import without_secrets


class _PluginGroup(click.Group):
    """The commands of kedro-mlflow, which is imported when one of them is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names."""
        return list(_plugin().list_commands(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one of them; commands of this project come first."""
        return super().get_command(ctx, cmd_name) or _plugin().get_command(ctx, cmd_name)


def _plugin() -> click.Group:
    from kedro_mlflow.framework.cli.cli import mlflow_commands

    group: click.Group = mlflow_commands
    return group


mlflow = _PluginGroup("mlflow", help="Use MLflow with this project.")


@mlflow.command(cls=ReadableCommand)
@click.option("--env", "-e", help="Environment whose mlflow.yml names the store.")
@click.option("--port", "-p", help="Port to listen at.")
@click.option("--host", "-h", help="Address to listen at.")
def ui(env: str | None, port: str | None, host: str | None) -> None:
    """Open MLflow's page of the project's runs."""
    from kedro.framework.session import KedroSession

    # Without a path Kedro looks for the project from the current folder upwards.
    with KedroSession.create(env=env, save_on_close=False) as session:
        settings = cast("Any", session).load_context().mlflow
    uri = settings.server.mlflow_tracking_uri
    if uri.startswith(("http://", "https://")):
        # Everybody on the machine sees arguments of processes, such as a browser.
        webbrowser.open(without_secrets(uri))
        return
    address = ["--host", host or settings.ui.host, "--port", str(port or settings.ui.port)]
    command = [sys.executable, "-m", "mlflow", "ui", *address]
    variables = {**os.environ, "MLFLOW_BACKEND_STORE_URI": uri}
    raise SystemExit(subprocess.run(command, env=variables, check=False).returncode)  # noqa: S603
