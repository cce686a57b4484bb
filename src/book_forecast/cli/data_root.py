"""The option `--data-root`, which means the same for every command."""

from __future__ import annotations

from typing import Any, TypeVar

import click

from book_forecast.storage.data_root import given_data_root
from book_forecast.storage.errors import UserError

Target = TypeVar("Target", bound=Any)


def _read(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else given_data_root(value)
    except UserError as error:
        raise click.ClickException(str(error)) from error


def data_root_option(target: Target) -> Target:
    """Give a command or its function the option `--data-root`."""
    text = "Folder or bucket of the data; a relative folder is in the current one."
    return click.option("--data-root", callback=_read, help=text)(target)
