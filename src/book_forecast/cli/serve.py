"""`kedro serve`: the champion's forecasts over HTTP."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import click

from book_forecast.cli.data_root import data_root_option
from book_forecast.cli.readable import ReadableCommand
from book_forecast.storage.data_root import given_data_root, is_address
from book_forecast.storage.errors import UserError


@click.command(cls=ReadableCommand)
@click.option("--env", "-e", help="Environment whose releases are served.")
@click.option("--host", help="Address to listen at; by default 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="By default 8080.")
@data_root_option
@click.option("--releases", help="Folder of all releases; by default the data root's.")
@click.option("--stock", help="File with advice on stock; by default the data root's.")
@click.option("--log", help="Folder of the log of served forecasts; without one, there is no log.")
def serve(
    env: str | None,
    host: str | None,
    port: int | None,
    data_root: str | None,
    releases: str | None,
    stock: str | None,
    log: str | None,
) -> None:
    """Serve the champion's forecasts over HTTP."""
    if releases is None:
        releases, usual_stock = places(env, data_root, ("candidate", "stock_advice"))
        stock = stock or usual_stock
    elif data_root is not None:
        raise UserError("--releases is a folder in the data root: leave out --data-root.")
    else:
        releases = given_data_root(releases)
    # The process becomes the service, so that nothing of Kedro stays in memory.
    command = [sys.executable, "-m", "book_forecast.serving", "--releases", releases]
    # The environment has a word on what is not given.
    given = {"--stock": stock, "--log": log, "--host": host}
    given["--port"] = None if port is None else str(port)
    command += [word for name, value in given.items() if value for word in (name, value)]
    os.execv(sys.executable, command)  # noqa: S606


def places(env: str | None, data_root: str | None, names: Sequence[str]) -> list[str]:
    """Return places of catalog entries in the data root, the environment's if none is given."""
    from kedro.framework.session import KedroSession

    given = {"data_root": data_root} if data_root else None
    # Without a path Kedro looks for the project from the current folder upwards.
    session = KedroSession.create(env=env, save_on_close=False, runtime_params=given)
    context = cast("Any", session).load_context()
    catalog = context.config_loader["catalog"]
    places = (str(catalog[name]["filepath"]) for name in names)
    return [
        place if is_address(place) else str(Path(context.project_path) / place) for place in places
    ]
