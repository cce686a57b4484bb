"""`kedro sample`: an export with generated sales."""

from pathlib import Path
from typing import Literal, get_args

import click

from book_forecast.cli.readable import ReadableCommand

Format = Literal["xlsx", "parquet", "csv"]


@click.command(cls=ReadableCommand)
@click.option("--titles", type=click.IntRange(min=1), help="How many; else the sample's own.")
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(get_args(Format)),
    default="xlsx",
    show_default=True,
    help="A workbook holds some thousand titles; use parquet or csv beyond.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file to write, as data/01_raw/sales/sample.xlsx.",
)
def sample(titles: int | None, seed: int, file_format: Format, output: Path) -> None:
    """Write a BookScan-style export with generated sales."""
    from book_forecast.sample import write_sample

    click.echo(f"Wrote {write_sample(output, titles, seed, file_format)}")
