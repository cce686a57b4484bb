"""`kedro alerts`: whether alerts arrive, and those that wait."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from book_forecast.cli.data_root import data_root_option
from book_forecast.cli.readable import ReadableCommand
from book_forecast.storage.errors import UserError

if TYPE_CHECKING:
    from book_forecast.alerts.events import Alert
    from book_forecast.alerts.sending import Alerts

Function = Callable[..., Any]


@click.group()
def alerts() -> None:
    """Look at alerts, and send them."""


def _of_environment(function: Function) -> Function:
    return click.option("--env", "-e", help="Configuration environment.")(
        data_root_option(function)
    )


@alerts.command(cls=ReadableCommand)
@_of_environment
def test(env: str | None, data_root: str | None) -> None:
    """Send one alert by every channel that is set up."""
    from book_forecast.alerts.channels import ChannelError
    from book_forecast.alerts.events import Alert

    opened = _opened(env, data_root)
    text = "This is a test. Alerts of book_forecast arrive here."
    failed = []
    for channel in opened.channels:
        try:
            channel.send([Alert(kind="test", text=text)], opened.sender)
        except ChannelError as error:
            failed.append(f"{channel.name}: {error}")
        else:
            click.echo(f"Sent by {channel.name}.")
    if failed:
        raise UserError("; ".join(failed))


@alerts.command(cls=ReadableCommand)
@_of_environment
def send(env: str | None, data_root: str | None) -> None:
    """Send all alerts that wait, the day's digest included."""
    opened = _opened(env, data_root)
    waiting = len(opened.outbox.pending())
    if problems := opened.send([], digest_now=True):
        raise UserError("; ".join(problems))
    click.echo(f"{waiting} alerts sent." if waiting else "No alert waits.")


@alerts.command("list", cls=ReadableCommand)
@_of_environment
def list_alerts(env: str | None, data_root: str | None) -> None:
    """Show the alerts that wait."""
    pending = _opened(env, data_root, needs_channel=False).outbox.pending()
    if not pending:
        click.echo("No alert waits.")
    for alert in pending:
        click.echo(f"{alert.when:%Y-%m-%d %H:%M}  {alert.heading}: {alert.text}")


def alerts_of(context: Any) -> Alerts:
    """Return the alerts of a project's context.

    Raises:
        UserError: If the address of a channel cannot be used.
    """
    from book_forecast.alerts.sending import Alerts, sender_of
    from book_forecast.datasets.outbox import OUTBOX
    from book_forecast.options.alerts import AlertOptions

    options = AlertOptions.model_validate(context.config_loader["parameters"].get("alerts", {}))
    outbox = context.catalog[OUTBOX].load()
    return Alerts(outbox, os.environ, sender=sender_of(context.env), **options.rules)


def announce(context: Any, alert: Alert) -> None:
    """Send an alert of what a command has done; a failure is a warning on the terminal."""
    from book_forecast.alerts.channels import is_set_up

    if not is_set_up(os.environ):
        return
    try:
        problems = alerts_of(context).send([alert])
    except (UserError, OSError) as error:
        problems = [str(error)]
    for problem in problems:
        click.echo(f"The alert could not be sent: {problem}", err=True)


def _opened(env: str | None, data_root: str | None, needs_channel: bool = True) -> Alerts:
    """Return the project's alerts.

    Raises:
        UserError: If no channel is set up and one is needed, or an address cannot be used.
    """
    from kedro.framework.session import KedroSession

    from book_forecast.alerts.channels import SMTP, WEBHOOK

    given = {"data_root": data_root} if data_root else None
    # Without a path Kedro looks for the project from the current folder upwards.
    session: Any = KedroSession.create(env=env, save_on_close=False, runtime_params=given)
    opened = alerts_of(session.load_context())
    if needs_channel and not opened.channels:
        raise UserError(f"No channel is set up: set {WEBHOOK}, or {SMTP} and alerts.mail_to.")
    return opened
