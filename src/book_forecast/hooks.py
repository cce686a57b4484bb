"""What happens around every command and run, whichever pipelines it has."""

import logging
from collections.abc import Sequence

from kedro.framework.cli.hooks import cli_hook_impl
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.startup import ProjectMetadata

from book_forecast.environment import choose_environment
from book_forecast.errors import UserError
from book_forecast.options import check_options

logger = logging.getLogger(__name__)


class OptionsHooks:
    """Checks all parameters when a run starts.

    Kedro checks only those that the nodes of the requested pipelines take, and lets unknown
    names pass.
    """

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check the parameters and put normalised values in their place.

        Args:
            context: Context of the run; its configuration is read and changed.

        Raises:
            UserError: A parameter is unknown or its value is not allowed.
        """
        options = check_options(context.config_loader["parameters"])
        context.config_loader["parameters"] = options.model_dump()
        logger.info("Environment %s, data in %s", context.env, options.data_root)


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
