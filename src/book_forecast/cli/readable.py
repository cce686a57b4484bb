"""Commands whose errors a user can read."""

from __future__ import annotations

from typing import Any

import click

from book_forecast.storage.errors import find_user_error


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
        """
        traceback = ctx.params.pop("traceback")
        try:
            return super().invoke(ctx)
        except Exception as error:
            user_error = find_user_error(error)
            if user_error is None or traceback:
                raise
            readable = click.ClickException(str(user_error))
            readable.exit_code = user_error.exit_code  # type: ignore[misc]
            raise readable from None
