"""`kedro release deploy`: a release at an endpoint of Vertex AI or a service of Cloud Run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from book_forecast.cli.readable import ReadableCommand
from book_forecast.cli.release_manager import RELEASE_HELP, of_project
from book_forecast.storage.errors import UserError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from book_forecast.releases.manager import ReleaseManager

Model = TypeVar("Model", bound="BaseModel")
VERTEX, CLOUD_RUN = "vertex", "cloud-run"
_OF_VERTEX, _OF_CLOUD_RUN = ("endpoint", "machine_type"), ("service", "memory")


@click.command(cls=ReadableCommand, epilog=RELEASE_HELP)
@click.argument("name", metavar="RELEASE", required=False)
@click.option("--to", "where", type=click.Choice([VERTEX, CLOUD_RUN]), default=VERTEX)
@click.option("--endpoint", help="Of Vertex AI; one that does not exist is made.")
@click.option("--service", help="Of Cloud Run; one that does not exist is made.")
@click.option("--project", required=True, envvar="BOOK_FORECAST_PROJECT", help="Google Cloud's.")
@click.option("--location", envvar="BOOK_FORECAST_REGION", default="europe-west1")
@click.option("--image", required=True, envvar="BOOK_FORECAST_IMAGE", help="With the service.")
@click.option("--machine-type", help="Of Vertex AI; by default n1-standard-2.")
@click.option("--memory", help="Of Cloud Run; by default 2Gi.")
@click.option("--min-replicas", type=click.IntRange(0), help="By default 1.")
@click.option("--max-replicas", type=click.IntRange(1), help="By default 1, on Cloud Run 2.")
@click.option(
    "--service-account",
    envvar=["BOOK_FORECAST_SERVING_ACCOUNT", "BOOK_FORECAST_SERVICE_ACCOUNT"],
    help="Account that the service runs as.",
)
@of_project
def deploy(manager: ReleaseManager, name: str | None, where: str, **given: Any) -> None:
    """Serve a release, by default the champion, on Google Cloud.

    An endpoint of Vertex AI serves this release until the next deployment. A service of Cloud Run
    that is given no RELEASE serves whichever is champion.
    """
    others = _OF_CLOUD_RUN if where == VERTEX else _OF_VERTEX
    for option in others:
        if given.pop(option) is not None:
            raise UserError(f"--{option.replace('_', '-')} is not for --to {where}: leave it out.")
    if where == VERTEX:
        _to_vertex(manager, name or "champion", given)
    else:
        _to_cloud_run(manager, name, given)


def _to_vertex(manager: ReleaseManager, name: str, given: dict[str, Any]) -> None:
    from book_forecast.releases.deployment import Deployment
    from book_forecast.releases.deployment import deploy as deploy_release

    wanted = _checked(Deployment, given, "endpoint")
    found = manager.find(name)
    resource = deploy_release(found, manager.store.location(found), wanted)
    click.echo(f"{resource} serves {found}.")


def _to_cloud_run(manager: ReleaseManager, name: str | None, given: dict[str, Any]) -> None:
    from book_forecast.releases.cloud_run import CloudRunDeployment, serve_on_cloud_run
    from book_forecast.releases.deployment import deployable

    wanted = _checked(CloudRunDeployment, given, "service")
    deployable(manager.store.root, "Cloud Run")
    found = manager.find(name or "champion")
    served = None if name is None else found
    stock = click.get_current_context().obj.config_loader["catalog"]["stock_advice"]["filepath"]
    address = serve_on_cloud_run(manager.store.root, served, str(stock), wanted)
    shown = found if served else f"the champion, which is {found},"
    click.echo(f"{address} serves {shown} from now on.")


def _checked(model: type[Model], given: dict[str, Any], needed: str) -> Model:
    """Check what was given.

    Raises:
        UserError: If the name is missing, or a value is none.
    """
    from pydantic import ValidationError

    if given[needed] is None:
        raise UserError(f"--{needed} is missing: it names what serves the release.")
    try:
        return model(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problem = error.errors()[0]
        option = str(problem["loc"][0]).replace("_", "-")
        raise UserError(f"--{option}: {problem['msg']}") from None
