"""`kedro forecast`: the forecasts of the last run as a file."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from book_forecast.cli.data_root import data_root_option
from book_forecast.cli.readable import ReadableCommand
from book_forecast.storage.data_root import is_address
from book_forecast.storage.errors import UserError

if TYPE_CHECKING:
    from book_forecast.cli.forecast_sheets import Export

CSV, WORKBOOK = ".csv", ".xlsx"
NAME = f"forecasts{WORKBOOK}"


@click.group()
def forecast() -> None:
    """Take forecasts out of the project."""


@forecast.command(cls=ReadableCommand)
@click.option("--env", "-e", help="Configuration environment.")
@data_root_option
@click.option(
    "--to",
    metavar="FILE",
    help=f"An .xlsx or .csv file, local or in a bucket; by default {NAME} beside the forecasts.",
)
@click.option("--horizon", type=int, help="Weeks; by default those of the parameters.")
@click.option("--level", "levels", type=float, multiple=True, help="Percent; may be repeated. 80")
def export(
    env: str | None,
    data_root: str | None,
    to: str | None,
    horizon: int | None,
    levels: tuple[float, ...],
) -> None:
    """Write the forecasts of all titles to one file.

    A workbook has a sheet for each view: forecasts by week, their bounds, totals, stock, errors. A
    CSV file has a row for each title and week.
    """
    from book_forecast.payload.limits import check_horizon, check_level

    context = _context(env, data_root)
    weeks = horizon or int(context.config_loader["parameters"]["forecast"]["horizon"])
    chosen = tuple(dict.fromkeys(levels)) or (80.0,)
    try:
        check_horizon(weeks if horizon is None else horizon)
        for level in chosen:
            check_level(level)
    except ValueError as error:
        raise UserError(f"--{error}") from None
    place = to or _default_place(context)
    if not place.lower().endswith((CSV, WORKBOOK)):
        raise UserError(f"--to {place}: name a file that ends with {WORKBOOK} or {CSV}.")
    export = _export(context.catalog, weeks, chosen)
    click.echo(f"Wrote {_write(export, place)}, {weeks} weeks of {len(export.payload):,} titles")


def _context(env: str | None, data_root: str | None) -> Any:
    from kedro.framework.session import KedroSession

    given = {"data_root": data_root} if data_root else None
    # Without a path Kedro looks for the project from the current folder upwards.
    session: Any = KedroSession.create(env=env, save_on_close=False, runtime_params=given)
    return session.load_context()


def _default_place(context: Any) -> str:
    table = str(context.config_loader["catalog"]["forecasts"]["filepath"])
    place = posixpath.join(posixpath.dirname(table), NAME)
    return place if is_address(place) else str(Path(context.project_path) / place)


def _export(catalog: Any, horizon: int, levels: tuple[float, ...]) -> Export:
    import pyarrow as pa

    from book_forecast.cli.forecast_sheets import Export

    payload = catalog.load("current_release")
    if payload is None or not len(payload):
        raise UserError(
            "There are no forecasts to export: run `kedro run`, or the pipeline forecast where "
            "there is a champion."
        )
    stock = catalog.load("stock_advice") if catalog.exists("stock_advice") else None
    table = None if stock is None else pa.Table.from_pandas(stock, preserve_index=False)
    return Export(payload, horizon, levels, table)


def _write(export: Export, place: str) -> str:
    """Write the file, which is replaced once it is complete, and return where it is."""
    import fsspec

    from book_forecast.storage.files import replacing
    from book_forecast.storage.spreadsheets import MOST_ROWS, write_csv, write_workbook

    fs, path = fsspec.core.url_to_fs(place)
    if fs.isdir(path):
        raise UserError(f"--to {place} is a folder: name a file in it.")
    is_workbook = place.lower().endswith(WORKBOOK)
    if is_workbook and len(export.payload) > MOST_ROWS:
        raise UserError(
            f"A sheet holds {MOST_ROWS:,} titles, and there are {len(export.payload):,}: write a "
            f"{CSV} file."
        )
    with replacing(fs, path) as file:
        if is_workbook:
            write_workbook(file, export.sheets())
        else:
            write_csv(file, export.long_table())
    return str(path) if "://" not in place else place
