"""`kedro release`: what was released, and which release is champion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from book_forecast.cli.alerts import announce
from book_forecast.cli.deploy import deploy
from book_forecast.cli.prune import keep, prune
from book_forecast.cli.readable import ReadableCommand
from book_forecast.cli.release_manager import RELEASE_HELP, of_project, why_option
from book_forecast.storage.errors import UserError

if TYPE_CHECKING:
    from book_forecast.releases.manager import ReleaseManager
    from book_forecast.releases.promotion_log import Promotion

SUMMARY = ("test_wape", "test_wape_seasonal_naive", "test_mase", "test_mase_seasonal_naive")


@click.group()
def release() -> None:
    """Look at releases, and choose which one forecasts."""


for command in (deploy, keep, prune):
    release.add_command(command)


@release.command("list", cls=ReadableCommand)
@of_project
def list_releases(manager: ReleaseManager) -> None:
    """Show all releases, the newest first, and the promotion log."""
    from book_forecast.payload.manifest import PayloadError

    releases = manager.store.releases()
    if not releases:
        click.echo(f"There are no releases in {manager.store.root} yet.")
        return
    versions, store = manager.versions(), manager.store
    challenge = store.challenge()
    named = {
        "champion": store.champion(),
        "candidate": store.candidate(),
        "challenger": challenge and challenge.release,
    }
    for name in reversed(releases):
        marks = [mark for mark, marked in named.items() if marked == name]
        try:
            manifest = manager.store.manifest(name)
        except PayloadError as error:
            click.echo(f"{name}  {' '.join([*marks, 'DAMAGED:'])} {error}")
            continue
        version = f"version {versions[name]}" if name in versions else "not in MLflow"
        wape = manifest.get("scores", {}).get("test_wape")
        score = f"WAPE {wape:.3f}" if wape is not None else "not scored"
        click.echo(
            f"{name}  {version:14}  cutoff {manifest['cutoff']}  {manifest['titles']} titles  "
            f"{score}  {' '.join(marks)}".rstrip()
        )
    for record in manager.store.promotions():
        click.echo(
            f"{record.when:%Y-%m-%d %H:%M}  {record.action:8}  {record.before or 'none'} -> "
            f"{record.release}  {record.who}: {record.why}"
        )


@release.command(cls=ReadableCommand, epilog=RELEASE_HELP)
@click.argument("name", metavar="RELEASE", default="champion")
@of_project
def show(manager: ReleaseManager, name: str) -> None:
    """Show the manifest of a release."""
    import yaml

    found = manager.find(name)
    manifest = manager.store.manifest(found)
    files = sum(entry["bytes"] for entry in manifest.pop("files").values())
    hidden = ("probabilities", "checksum", "format", "calibration", "options")
    shown = {key: value for key, value in manifest.items() if key not in hidden}
    scores = manifest.get("scores", {})
    shown["scores"] = {name: round(scores[name], 4) for name in SUMMARY if name in scores}
    shown |= {"megabytes": round(files / 1e6, 1), "place": manager.store.location(found)}
    shown["mlflow_version"] = manager.versions().get(found)
    click.echo(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True).rstrip())


@release.command(cls=ReadableCommand, epilog=RELEASE_HELP)
@click.argument("first", metavar="RELEASE")
@click.argument("second", metavar="RELEASE", default="champion")
@of_project
def compare(manager: ReleaseManager, first: str, second: str) -> None:
    """Compare the scores and models of two releases, and their errors on weeks after both."""
    from book_forecast.releases.post_release import post_release_errors

    payloads = [manager.read(first), manager.read(second)]
    for payload in payloads:
        manifest = payload.manifest
        scores = manifest.get("scores", {})
        shown = ", ".join(
            f"{name} {scores[name]:.3f}" for name in ("test_wape", "test_mase") if name in scores
        )
        families = ", ".join(f"{n} {family}" for family, n in manifest["models"].items())
        click.echo(f"{payload.release}  cutoff {manifest['cutoff']}  {families}")
        click.echo(f"  on its own test weeks: {shown or 'not scored'}")
    columns = ["isbn", "model", "specification"]
    ours, theirs = (p.titles.select(columns).to_pylist() for p in payloads)
    known = {row["isbn"]: row for row in theirs}
    both = [row for row in ours if row["isbn"] in known]
    other = sum(row != known[row["isbn"]] for row in both)
    click.echo(f"{len(both)} titles in both, {other} of them with another specification")
    catalog = click.get_current_context().obj.catalog
    differ = payloads[0].release != payloads[1].release
    weeks = catalog.load("model_input") if differ and catalog.exists("model_input") else None
    table = None if weeks is None else post_release_errors(payloads, weeks)
    if table is None:
        click.echo("No week is newer than both releases: their errors cannot be compared yet.")
        return
    for row in table.to_dict("records"):
        click.echo(
            f"{row['release']}  WAPE {row['wape']:.3f} on {row['weeks']} later weeks, "
            f"{row['titles']} titles"
        )


@release.command(cls=ReadableCommand, epilog=RELEASE_HELP)
@click.argument("name", metavar="RELEASE", default="candidate")
@why_option
@of_project
def promote(manager: ReleaseManager, name: str, why: str) -> None:
    """Make a release champion, whatever the gates say."""
    _show(manager.promote(manager.find(name), "promote", why))


@release.command(cls=ReadableCommand, epilog=RELEASE_HELP)
@click.argument("name", metavar="RELEASE", required=False)
@click.option("--isbn", "isbns", multiple=True, help="Only this title; may be given several times.")
@why_option
@of_project
def rollback(manager: ReleaseManager, name: str | None, isbns: tuple[str, ...], why: str) -> None:
    """Go back to the former champion, or to any release.

    With --isbn, a new release takes only these titles from the older one.
    """
    older = manager.find(name) if name else manager.former_champion()
    titles = _normalised(isbns)
    _show(
        manager.roll_back_titles(older, titles, why)
        if titles
        else manager.promote(older, "rollback", why)
    )


@release.command(cls=ReadableCommand, epilog=RELEASE_HELP)
@click.argument("name", metavar="RELEASE", required=False)
@click.option("--off", is_flag=True, help="Let runs promote candidates again.")
@why_option
@of_project
def pin(manager: ReleaseManager, name: str | None, off: bool, why: str) -> None:
    """Make a release champion and keep it: no run promotes another one."""
    if off and name is not None:
        raise UserError(f"--off takes the pin off whatever is champion: leave out {name!r}.")
    _show(manager.promote(manager.find(name or "champion"), "unpin" if off else "pin", why))


@release.command(cls=ReadableCommand, epilog=RELEASE_HELP)
@click.argument("name", metavar="RELEASE", default="champion")
@click.option("--isbn", "isbns", multiple=True, required=True, help="A title; may be repeated.")
@of_project
def export(manager: ReleaseManager, name: str, isbns: tuple[str, ...]) -> None:
    """Log SARIMA models, also members of ensembles, as results of statsmodels in MLflow."""
    from book_forecast.releases.export import log_statsmodels

    models = log_statsmodels(manager.read(name), _normalised(isbns), manager.registry)
    for isbn, uri in models.items():
        click.echo(f"{isbn}: mlflow.statsmodels.load_model({uri!r})")


@release.command(cls=ReadableCommand)
@of_project
def sync(manager: ReleaseManager) -> None:
    """Register the releases that MLflow lacks, and set its alias to the champion."""
    from book_forecast.releases.publishing import synchronise
    from book_forecast.releases.registry import RegistryError

    try:
        made, damaged = synchronise(manager.store, manager.registry)
    except RegistryError as error:
        raise UserError(f"{error}. Start it, and run the command again.") from error
    for name in made:
        click.echo(f"Registered {name}")
    for reason in damaged:
        click.echo(f"Passed over: {reason}", err=True)
    click.echo(
        f"{len(made)} releases registered; the champion is {manager.store.champion() or 'none'}."
    )


def _normalised(isbns: Sequence[str]) -> list[str]:
    from book_forecast.bookscan.isbn import normalise_isbn

    try:
        return [normalise_isbn(isbn) for isbn in isbns]
    except ValueError as error:
        raise UserError(f"--isbn: {error}") from None


def _show(promotion: Promotion) -> None:
    from book_forecast.releases.promotion_alerts import promotion_alert

    click.echo(f"Champion is {promotion.release} (was {promotion.before or 'none'}).")
    announce(click.get_current_context().obj, promotion_alert(promotion))
