"""Refusal of unknown environments before a command starts."""

from collections.abc import Sequence

from kedro.framework.cli.hooks import cli_hook_impl
from kedro.framework.startup import ProjectMetadata

from book_forecast.storage.environment import choose_environment
from book_forecast.storage.errors import UserError
from book_forecast.storage.log_lines import bound_log_lines


class EnvironmentHooks:
    """Refuses what is no environment before a command starts servers, kernels or shells.

    Those would bury the refusal in a stack trace of their own, or go on without the project.
    """

    @cli_hook_impl
    def before_command_run(
        self, project_metadata: ProjectMetadata | None, command_args: Sequence[str]
    ) -> None:
        """Check the environment that the command would load.

        Args:
            project_metadata: The project that the command runs in; None outside of one.
            command_args: The command's name and its arguments.

        Raises:
            SystemExit: The environment is not one of the project's.
        """
        if project_metadata is None or project_metadata.package_name != "book_forecast":
            return
        bound_log_lines(project_metadata.project_path)
        if not command_args or command_args[0] not in _COMMANDS_WITH_CONTEXT:
            return
        try:
            choose_environment(_env_option(command_args))
        except UserError as error:
            raise SystemExit(f"Error: {error}") from None


_COMMANDS_WITH_CONTEXT = {
    *("run", "catalog", "ipython", "jupyter", "mlflow", "serve", "server", "viz"),
}


def _env_option(arguments: Sequence[str]) -> str | None:
    """The value of `--env X`, `--env=X` or `-e X`."""
    for argument, following in zip(arguments, [*arguments[1:], None], strict=True):
        if argument in ("--env", "-e"):
            return following
        if argument.startswith("--env="):
            return argument.removeprefix("--env=")
    return None


environment_hooks = EnvironmentHooks()
