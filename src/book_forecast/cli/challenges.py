"""`kedro release challenge`, `withdraw` and `arms`: a second release for a share of the titles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from book_forecast.cli.alerts import announce
from book_forecast.cli.readable import ReadableCommand
from book_forecast.cli.release_manager import RELEASE_HELP, of_project, why_option
from book_forecast.cli.releases import release
from book_forecast.storage.errors import UserError

if TYPE_CHECKING:
    from book_forecast.releases.challenges import Challenge, Ending
    from book_forecast.releases.manager import ReleaseManager


@release.command(cls=ReadableCommand, epilog=RELEASE_HELP)
@click.argument("name", metavar="RELEASE", default="candidate")
@click.option("--share", type=float, default=0.1, show_default=True, help="Of the titles.")
@why_option
@of_project
def challenge(manager: ReleaseManager, name: str, share: float, why: str) -> None:
    """Let a release answer for a share of the titles, beside the champion.

    The same release again gets another share; titles that it has stay with it if the share grows.
    """
    from book_forecast.releases.challenging import start_challenge

    found = start_challenge(manager.store, manager.find(name), share, why)
    click.echo(
        f"{found.release} answers for {found.share:.1%} of the titles, {found.champion} for the "
        "others. `kedro release withdraw` takes it back."
    )
    _announce(found)


@release.command(cls=ReadableCommand)
@why_option
@of_project
def withdraw(manager: ReleaseManager, why: str) -> None:
    """Take the challenger back: the champion answers for all titles."""
    from book_forecast.releases.challenging import end_challenge

    running = manager.store.challenge()
    if running is None:
        raise UserError("No release challenges the champion: there is nothing to take back.")
    ending = end_challenge(manager.store, running, "withdrawn", why)
    click.echo(f"{running.release} is taken back: {running.champion} answers for all titles.")
    _announce(ending)


@release.command(cls=ReadableCommand)
@of_project
def arms(manager: ReleaseManager) -> None:
    """Show which release answers for which share of the titles, and the former challenges."""
    from book_forecast.releases.challenges import Challenge

    store = manager.store
    champion, running = store.champion(), store.challenge()
    if champion is None:
        click.echo(f"There is no champion in {store.root} yet.")
        return
    share = running.share if running else 0.0
    click.echo(f"champion    {champion}  {1 - share:6.1%} of the titles")
    if running:
        problem = "" if store.has(running.release) else "  MISSING: the champion answers for all"
        click.echo(f"challenger  {running.release}  {share:6.1%} of the titles{problem}")
        click.echo(f"since week {running.since}, {_verdict_on(running)}")
    for entry in store.challenges.entries():
        what = f"{entry.share:.1%}" if isinstance(entry, Challenge) else entry.outcome
        click.echo(
            f"{entry.when:%Y-%m-%d %H:%M}  {what:9}  {entry.release}  {entry.who}: {entry.why}"
        )


def _verdict_on(running: Challenge) -> str:
    """Return what monitor found last of a challenge, in a few words."""
    catalog = click.get_current_context().obj.catalog
    if not catalog.exists("arm_test"):
        return "not compared yet: the pipeline monitor does"
    found = catalog.load("arm_test")
    if found["test"] != running.test:
        return "not compared yet: the pipeline monitor does"
    return str(found["message"])


def _announce(entry: Challenge | Ending) -> None:
    from book_forecast.releases.challenging import challenge_alert

    announce(click.get_current_context().obj, challenge_alert(entry))
