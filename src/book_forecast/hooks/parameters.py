"""Check of all parameters when a run starts."""

import logging
from pathlib import Path

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from book_forecast.options.checking import check_options
from book_forecast.options.run import with_runtime
from book_forecast.storage.log_lines import bound_log_lines

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
        bound_log_lines(Path(context.project_path))
        loader = context.config_loader
        # Of a name with and one without its group, the one on the command line holds.
        given = with_runtime(loader["parameters"], loader.runtime_params or {})
        options = check_options(given)
        loader["parameters"] = options.model_dump()
        if any(Path(loader.conf_source, "local").glob("*.yml")):
            logger.warning(
                "conf/local is not read: put its files into conf/base or conf/%s", context.env
            )
        logger.info("Environment %s, data in %s", context.env, options.data_root)
