"""Commands whose errors a user can read."""

from __future__ import annotations

from typing import Any

import click

from book_forecast.storage.errors import find_user_error


class ReadableCommand(click.Command):
    """A command that tells user errors in one paragraph, unless `--traceback` asks for more."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        help_text = "Show where in the code an error arose."
        self.params.append(click.Option(["--traceback"], is_flag=True, help=help_text))

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command's function.

        Args:
            ctx: The parsed command line.

        Returns:
            What the function returns.

        Raises:
            click.ClickException: In place of an error behind which there is a user error.
        """
        traceback = ctx.params.pop("traceback")
        try:
            return super().invoke(ctx)
        except Exception as error:
            user_error = find_user_error(error)
            if user_error is None or traceback:
                raise
            raise click.ClickException(str(user_error)) from None
