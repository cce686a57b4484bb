"""Commands whose errors and interruptions a user can read."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from typing import Any, NoReturn

import click

from book_forecast.storage.errors import describe_storage_error, find_user_error
from book_forecast.storage.interruption import end_in_order, signals_as_exceptions

_SECONDS_TO_EXIT = 10.0


class ReadableCommand(click.Command):
    """A command that shows user errors as one paragraph, unless `--traceback` is given."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        help_text = "Show where in the code an error arose."
        self.params.append(click.Option(["--traceback"], is_flag=True, help=help_text))

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command's function.

        Raises:
            click.ClickException: In place of a user error, with its exit code.
            SystemExit: The command was interrupted.
        """
        with_traceback = ctx.params.pop("traceback")
        try:
            with signals_as_exceptions():
                return super().invoke(ctx)
        except KeyboardInterrupt as interruption:
            if with_traceback:
                traceback.print_exc()
            _end(interruption)
        except Exception as error:
            user_error = find_user_error(error)
            message = describe_storage_error(error) if user_error is None else str(user_error)
            if message is None or with_traceback:
                raise
            readable = click.ClickException(message)
            if user_error is not None:
                readable.exit_code = user_error.exit_code  # type: ignore[misc]
            raise readable from None


def _end(interruption: KeyboardInterrupt) -> NoReturn:
    paragraph, code = end_in_order(interruption)
    click.echo(paragraph, err=True)
    # Threads of libraries may wait for what will not come.
    limit = threading.Timer(_SECONDS_TO_EXIT, os._exit, (code,))
    limit.daemon = True
    limit.start()
    sys.exit(code)
