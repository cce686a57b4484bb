"""What commands on releases share: the project's release manager, and options."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from book_forecast.cli.data_root import data_root_option
from book_forecast.storage.errors import UserError

Function = Callable[..., Any]
RELEASE_HELP = (
    "RELEASE is an id, its start or end, a version in MLflow, champion, candidate, challenger."
)


def of_project(function: Function) -> Function:
    """Pass the project's release manager to a command; its context holds the catalog."""

    @functools.wraps(function)
    def opened(*args: Any, env: str | None, data_root: str | None, **options: Any) -> Any:
        from kedro.framework.session import KedroSession

        from book_forecast.payload.manifest import PayloadError
        from book_forecast.releases.manager import ReleaseManager
        from book_forecast.releases.registry import ReleaseRegistry

        given = {"data_root": data_root} if data_root else None
        # Without a path Kedro looks for the project from the current folder upwards.
        session: Any = KedroSession.create(env=env, save_on_close=False, runtime_params=given)
        context = session.load_context()
        click.get_current_context().obj = context
        store, registry = context.catalog["candidate"].store, ReleaseRegistry.of(context)
        manager = ReleaseManager(store, registry, Path(context.project_path))
        try:
            return function(manager, *args, **options)
        except PayloadError as error:
            raise UserError(str(error)) from error

    return click.option("--env", "-e", help="Configuration environment.")(data_root_option(opened))


def why_option(function: Function) -> Function:
    """Give a command's function the option `--why`."""
    return click.option("--why", default="by hand", show_default=True, help="For the record.")(
        function
    )
