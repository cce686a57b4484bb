"""A seeded generator of BookScan-style weekly sales."""

from book_forecast.sample.generator import (
    DEFAULT_SEED,
    DEFAULT_TITLES,
    sample_frame,
    sample_tables,
)
from book_forecast.sample.writer import write_sample

__all__ = ["DEFAULT_SEED", "DEFAULT_TITLES", "sample_frame", "sample_tables", "write_sample"]
