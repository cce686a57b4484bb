"""`kedro override`: what people expect in place of forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from book_forecast.cli.data_root import data_root_option
from book_forecast.cli.readable import ReadableCommand
from book_forecast.cli.serve import places
from book_forecast.storage.user import user

if TYPE_CHECKING:
    from book_forecast.releases.overrides import OverrideLog

_env = click.option("--env", "-e", help="Configuration environment.")


@click.group()
def override() -> None:
    """Look at overrides of forecasts by people, and withdraw them."""


@override.command("list", cls=ReadableCommand)
@_env
@data_root_option
@click.option("--isbn", help="Of one title alone.")
def list_overrides(env: str | None, data_root: str | None, isbn: str | None) -> None:
    """Show all overrides, the newest first."""
    from book_forecast.bookscan.isbn_text import normalise_text
    from book_forecast.storage.errors import UserError

    log = _log(env, data_root)
    wanted = None
    if isbn is not None:
        try:
            wanted = normalise_text(isbn)
        except ValueError as error:
            raise UserError(f"--isbn {isbn!r}: {error}.") from None
    found = [one for one in log.overrides() if wanted in (None, one.override.isbn)]
    if not found:
        click.echo(f"There are no overrides in {log.location}.")
    for one in reversed(found):
        made, weeks = one.override, one.override.weeks
        click.echo(
            f"{one.number:5}  {made.isbn}  {weeks[0]} to {weeks[-1]}  {sum(made.copies):,.0f} "
            f"copies, not {sum(made.replaced):,.0f}  {made.when:%Y-%m-%d %H:%M}  {made.who}: "
            f"{made.why}"
        )
        if (gone := one.withdrawal) is not None:
            click.echo(f"       withdrawn {gone.when:%Y-%m-%d %H:%M}  {gone.who}: {gone.why}")


@override.command(cls=ReadableCommand)
@click.argument("number", type=click.IntRange(min=1))
@_env
@data_root_option
@click.option("--who", default=user, help="Your name; by default that of the user.")
@click.option("--why", default="by hand", show_default=True, help="For the record.")
def withdraw(number: int, env: str | None, data_root: str | None, who: str, why: str) -> None:
    """Withdraw the override with a NUMBER; it stays in the log."""
    made = _log(env, data_root).withdraw(number, who, why)
    click.echo(f"Withdrew override {number} of {made.isbn} by {made.who}.")


def _log(env: str | None, data_root: str | None) -> OverrideLog:
    from book_forecast.releases.overrides import OverrideLog

    return OverrideLog(places(env, data_root, ("candidate",))[0])
