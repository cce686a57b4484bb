"""The project's commands, beside and in place of Kedro's own."""

import click

from book_forecast.cli import challenges as _  # noqa: F401 - commands of `release`
from book_forecast.cli.alerts import alerts
from book_forecast.cli.forecasts import forecast
from book_forecast.cli.overrides import override
from book_forecast.cli.releases import release
from book_forecast.cli.run_command import run
from book_forecast.cli.sample import sample
from book_forecast.cli.serve import serve
from book_forecast.cli.tracking import mlflow

__all__ = ["cli", "run"]


@click.group(name="book_forecast")
def cli() -> None:
    """Commands of this project."""


for command in (run, forecast, release, override, alerts, sample, serve, mlflow):
    cli.add_command(command)
