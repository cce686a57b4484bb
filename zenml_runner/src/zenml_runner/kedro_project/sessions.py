"""The project's own Kedro session, whatever its class."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Any, Self

from kedro.framework.project import settings
from kedro.framework.session import KedroSession

from zenml_runner.kedro_project.private import config_loader, hook_manager

logger = logging.getLogger(__name__)


class Session:
    """A session of the class that the project's `SESSION_CLASS` names, created as in `kedro run`.

    The session is entered before its context is loaded, and left at the end of a `with` block.
    """

    def __init__(
        self, env: str | None, params: dict[str, Any] | None, conf_source: str | None = None
    ) -> None:
        """Create the session.

        Args:
            env: Configuration environment.
            params: Runtime parameters.
            conf_source: Folder, archive or address of the configuration; the project's own if None.
        """
        self.params = params or {}
        # Kedro's service session takes the parameters of each run instead.
        kind: Any = getattr(settings, "SESSION_CLASS", KedroSession)
        self._takes_params = issubclass(kind, KedroSession)
        options = {"runtime_params": params or None} if self._takes_params else {}
        self._own: Any = kind.create(env=env, conf_source=conf_source, **options)

    @property
    def hook_manager(self) -> Any:
        """The manager of the hooks of the project and its plugins."""
        return hook_manager(self._own)

    @property
    def config_loader(self) -> Any:
        """A new loader of the project's configuration."""
        return config_loader(self._own, *self._arguments())

    def load_context(self) -> Any:
        """Enter the session and load its context, which calls `after_context_created`.

        Where another process has just created the experiment that kedro-mlflow wanted to create,
        the context is loaded once more.
        """
        self._own.__enter__()
        try:
            return self._own.load_context(*self._arguments())
        except Exception as error:
            if getattr(error, "error_code", None) != "RESOURCE_ALREADY_EXISTS":
                raise
            logger.info("The context is loaded again: %s", error)
            return self._own.load_context(*self._arguments())

    def __enter__(self) -> Self:
        """Begin the run."""
        self._warn_of_run()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the session; it may store what has happened."""
        self._own.__exit__(kind, error, traceback)

    def _arguments(self) -> tuple[Any, ...]:
        return () if self._takes_params else (self.params or None,)

    def _warn_of_run(self) -> None:
        """Warn that ZenML calls a session's nodes, not its `run`."""
        kind = type(self._own)
        owner = next(base for base in kind.__mro__ if "run" in vars(base))
        if not owner.__module__.startswith("kedro.framework.session"):
            logger.warning(
                "%s.run is not called: ZenML runs the nodes. Move its work to load_context, "
                "__enter__, close or a hook.",
                owner.__qualname__,
            )
