"""`kedro release prune` and `keep`: what is removed when its time is over, and what stays."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from book_forecast.cli.readable import ReadableCommand
from book_forecast.cli.release_manager import RELEASE_HELP, of_project, why_option
from book_forecast.storage.errors import UserError
from book_forecast.storage.user import user

if TYPE_CHECKING:
    from book_forecast.datasets.generations import GenerationDataset
    from book_forecast.options.retention import RetentionOptions
    from book_forecast.releases.manager import ReleaseManager
    from book_forecast.storage.disused import Disused
    from book_forecast.tracking.old_runs import OldRuns

logger = logging.getLogger(__name__)


@click.command(cls=ReadableCommand, epilog=RELEASE_HELP)
@click.argument("name", metavar="RELEASE")
@click.option("--off", is_flag=True, help="Let the release go when its time is over.")
@click.option("--services", is_flag=True, help="With --off: even if a service serves it.")
@why_option
@of_project
def keep(manager: ReleaseManager, name: str, off: bool, services: bool, why: str) -> None:
    """Keep a release from removal by `prune`; unlike `pin`, the champion stays as it is."""
    from book_forecast.releases.kept import Kept, KeptReleases

    kept, found = KeptReleases(manager.store.root), manager.find(name)
    if not off:
        now = dt.datetime.now(dt.UTC)
        kept.keep(Kept(release=found, who=user(), when=now, why=why))
        click.echo(f"{found} is kept.")
        return
    of_services = kept.records_of_services(found)
    if found not in kept.records() and not of_services:
        raise UserError(f"{found} is not kept by any record.")
    kept.forget(found)
    if services:
        for record in of_services:
            kept.forget(record)
    elif of_services:
        click.echo(
            f"{found} stays for {', '.join(of_services.values())}: deploy another release there, "
            "or add --services if the service is gone."
        )
        return
    click.echo(f"{found} is kept no more.")


@click.command(cls=ReadableCommand)
@click.option("--apply", "--yes", "is_applied", is_flag=True, help="Remove what is shown.")
@of_project
def prune(manager: ReleaseManager, is_applied: bool) -> None:
    """Show what is older than it has to stay, with sizes, and remove it with --apply.

    Releases, generations of tables, and artifacts of MLflow's runs and models. The parameters
    `retention` say how long each stays. Champion, candidate, challenger and releases that are
    pinned, kept or deployed always stay.
    """
    context = click.get_current_context().obj
    pruning = Pruning.of(manager, context)
    if not is_applied:
        found = pruning.find()
        _show(found)
        hint = "Nothing was removed: add --apply to remove this." if any(found) else ""
        click.echo(f"{_total(found, 'could be removed')} {hint}".rstrip())
        return
    from book_forecast.storage.run_lock import Holder, run_lock

    root, wait_minutes = _root_of(context), pruning.options["execution"]["wait_minutes"]
    with run_lock(root, Holder("kedro release prune"), 60.0 * wait_minutes):
        found = pruning.find()
        _show(found)
        removed = pruning.remove(found)
    click.echo(_total(removed, "removed"))


@dataclass(frozen=True)
class Found:
    """What may be removed, and which releases may not.

    Attributes:
        stays: Releases in use, with the reason.
        releases: Old releases.
        generations: Old generations, with their datasets.
        runs: MLflow runs with old artifacts.
    """

    stays: Mapping[str, str]
    releases: list[Disused]
    generations: list[tuple[GenerationDataset, Disused]]
    runs: list[Disused]

    def __iter__(self) -> Iterator[tuple[str, Disused]]:
        """Go through all that may be removed, with the kind of each."""
        yield from (("release", one) for one in self.releases)
        yield from (("generation", one) for _, one in self.generations)
        yield from (("artifacts of run", one) for one in self.runs)


@dataclass(frozen=True)
class Pruning:
    """What is removed of a data root, and how.

    Attributes:
        manager: Of its releases.
        catalog: Its datasets.
        options: All parameters.
        retention: How long things stay.
        runs: Of the data root in MLflow.
        now: In UTC.
    """

    manager: ReleaseManager
    catalog: Any
    options: Mapping[str, Any]
    retention: RetentionOptions
    runs: OldRuns
    now: dt.datetime

    @classmethod
    def of(cls, manager: ReleaseManager, context: Any) -> Pruning:
        """Read the parameters of a Kedro context."""
        from book_forecast.options.checking import check_options
        from book_forecast.tracking.old_runs import OldRuns

        options = context.config_loader["parameters"]
        registry, project = manager.registry, manager.project
        runs = OldRuns(registry.uri, registry.experiment, _root_of(context), project)
        now = dt.datetime.now(dt.UTC)
        return cls(manager, context.catalog, options, check_options(options).retention, runs, now)

    def protected(self) -> dict[str, str]:
        """Return the releases in use, with the reason."""
        from book_forecast.releases.protection import protected_releases

        named = {str(self.options["release"]): "the parameter release"}
        return protected_releases(self.manager.store, self.retention.releases, self.now, named)

    def find(self) -> Found:
        """Return what may be removed; what is MLflow's is passed over where it does not answer."""
        from book_forecast.releases.removal import disused_releases
        from book_forecast.storage.mlflow_store import StoreError

        store = self.manager.store
        protected, present = self.protected(), store.releases()
        releases = disused_releases(store, protected, self.now)
        generations = [
            (dataset, one)
            for dataset in self._generation_datasets()
            for one in dataset.disused(self.now - self.retention.generations)
        ]
        leaving = {one.name for one in releases}
        in_use = {
            str(self._manifest(release).get("mlflow_run"))
            for release in present
            if release not in leaving
        }
        try:
            runs = self.runs.disused(self.now - self.retention.artifacts, in_use)
        except StoreError as error:
            logger.warning("Artifacts of runs are passed over: %s", error)
            runs = []
        stays = {release: protected[release] for release in present if release in protected}
        return Found(stays, releases, generations, runs)

    def remove(self, found: Found) -> Found:
        """Remove what was found, and return what was removed; releases in use by now stay."""
        from book_forecast.releases import removal

        names = [one.name for one in found.releases]
        removed = set()
        store, registry = self.manager.store, self.manager.registry
        for name in removal.remove_releases(
            store, registry, names, self.protected, removal.GRACE_SECONDS
        ):
            logger.info("Release %s is removed", name)
            removed.add(name)
        for dataset, generation in found.generations:
            dataset.remove(generation)
        for run in found.runs:
            self.runs.remove(run)
        return replace(found, releases=[one for one in found.releases if one.name in removed])

    def _generation_datasets(self) -> Iterator[GenerationDataset]:
        from book_forecast.datasets.generations import GenerationDataset
        from book_forecast.execution.lineage import PresentDigests

        digests = PresentDigests(self.catalog.get)
        for name in sorted(self.catalog.keys()):
            dataset = self.catalog.get(name)
            if isinstance(dataset, GenerationDataset):
                dataset.read_with(digests)
                yield dataset

    def _manifest(self, release: str) -> Mapping[str, Any]:
        from book_forecast.payload.manifest import PayloadError

        try:
            return self.manager.store.manifest(release)
        except PayloadError:
            return {}  # a damaged release has no run that anybody looks for


def _root_of(context: Any) -> str:
    """The data root, under the name that a run locks."""
    from book_forecast.storage.data_root import is_address

    root = str(context.config_loader["parameters"]["data_root"])
    return root if is_address(root) else str(Path(context.project_path, root).resolve())


def _show(found: Found) -> None:
    """Print a line for each release that stays, and for everything that goes."""
    for release, why in found.stays.items():
        click.echo(f"stays  release {release}  {why}")
    for kind, one in found:
        about = f"  {one.why}" if one.why else ""
        click.echo(f"goes   {kind} {one.name}  {_size(one.n_bytes)}  {one.since:%Y-%m-%d}{about}")


def _total(found: Found, outcome: str) -> str:
    counts = [
        (len(found.releases), "releases"),
        (len(found.generations), "generations"),
        (len(found.runs), "runs' artifacts"),
    ]
    shown = ", ".join(f"{count} {name}" for count, name in counts)
    return f"{shown}, {_size(sum(one.n_bytes for _, one in found))} {outcome}."


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:.0f} kB"
