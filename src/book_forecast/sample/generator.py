"""From titles to the rows of an export, a chunk of titles at a time."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from book_forecast.sample import effects, prices
from book_forecast.sample.catalogue import Title, market_stream, title_and_character
from book_forecast.sample.character import Character
from book_forecast.sample.roster import ROSTER
from book_forecast.sample.weeks import SampleWeeks, sample_weeks
from book_forecast.series.history import FloatArray

DEFAULT_SEED = 42
DEFAULT_TITLES = len(ROSTER)
CHUNK_TITLES = 250

SCHEMA = pa.schema(
    [
        ("ISBN", pa.string()),
        ("Title", pa.string()),
        ("Author", pa.string()),
        ("Interval", pa.int64()),
        ("End Date", pa.date32()),
        ("Volume", pa.int64()),
        ("Value", pa.float64()),
        ("ASP", pa.float64()),
        ("RRP", pa.float64()),
        ("Binding", pa.string()),
        ("Imprint", pa.string()),
        ("Publisher Group", pa.string()),
        ("Product Class", pa.string()),
    ]
)
_TITLE_COLUMNS = {
    "ISBN": "isbn",
    "Title": "title",
    "Author": "author",
    "Binding": "binding",
    "Imprint": "imprint",
    "Publisher Group": "publisher_group",
    "Product Class": "product_class",
}


def title_sales(
    weeks: SampleWeeks, character: Character, market: FloatArray, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """Weekly sales of one title.

    Args:
        weeks: The weeks to generate.
        character: Parameters of the title's sales.
        market: Multipliers that all titles share, shape (weeks,).
        rng: Random generator of the title's sales.

    Returns:
        ``volume`` (copies, 0 in an unsold week and in the lockdown), ``asp`` and ``rrp``
        (pounds) and ``depth`` (of the promotion, share off the usual price), each of shape
        (weeks,).
    """
    pricing = character.pricing
    rrp = prices.recommended(weeks, pricing, rng)
    depth = prices.promotion_depth(weeks, pricing, rng)
    expected = (
        character.copies
        * market
        * effects.on_sale(weeks, character)
        * effects.launch(weeks, character)
        * effects.trend(weeks, character)
        * effects.tie_in(weeks, character)
        * effects.seasons(weeks, character.peaks, rng)
        * effects.drift(weeks, character, rng)
        * effects.noise(weeks, character, rng)
        * effects.publicity(weeks, character, rng)
        * prices.promotion_lift(depth, pricing.elasticity)
    )
    volume = effects.counts(expected, character.dispersion, rng) * weeks.reported
    if not volume.any():
        # A title without a sale is not in an export.
        volume[np.argmax(expected * weeks.reported)] = 1
    asp = prices.average_selling(rrp, depth, volume, pricing.discount, rng)
    return {"volume": volume, "asp": asp, "rrp": rrp, "depth": depth}


def sample_tables(
    titles: int = DEFAULT_TITLES, seed: int = DEFAULT_SEED, chunk_titles: int = CHUNK_TITLES
) -> Iterator[pa.Table]:
    """Yield the rows of the export in tables of ``SCHEMA``, sorted by title and week.

    A title does not depend on the number of titles. A week without a sale has no row.

    Args:
        titles: Number of titles; the first ones are named, the others drawn.
        seed: Seed of all random draws.
        chunk_titles: Titles in one table, which bounds memory.
    """
    weeks = sample_weeks()
    market = effects.market(weeks, market_stream(seed))
    for start in range(0, titles, chunk_titles):
        numbers = range(start, min(start + chunk_titles, titles))
        yield _table(numbers, seed, weeks, market)


def sample_frame(titles: int = DEFAULT_TITLES, seed: int = DEFAULT_SEED) -> pd.DataFrame:
    """Return the whole export, with the columns of ``SCHEMA``."""
    frame: pd.DataFrame = pa.concat_tables(sample_tables(titles, seed)).to_pandas(
        date_as_object=False
    )
    return frame


def _table(numbers: range, seed: int, weeks: SampleWeeks, market: FloatArray) -> pa.Table:
    shape = (len(numbers), len(weeks))
    volume, asp, rrp = np.empty(shape), np.empty(shape), np.empty(shape)
    described: list[Title] = []
    for row, number in enumerate(numbers):
        title, character, rng = title_and_character(number, seed, weeks)
        sales = title_sales(weeks, character, market, rng)
        volume[row], asp[row], rrp[row] = sales["volume"], sales["asp"], sales["rrp"]
        described.append(title)
    which, when = np.nonzero(volume)
    columns: dict[str, object] = {
        "Interval": weeks.intervals[when],
        "End Date": weeks.ends[when],
        "Volume": volume[which, when].astype(np.int64),
        "Value": np.round(volume[which, when] * asp[which, when], 2),
        "ASP": asp[which, when],
        "RRP": rrp[which, when],
    }
    for column, attribute in _TITLE_COLUMNS.items():
        values = pa.array([str(getattr(title, attribute)) for title in described])
        columns[column] = values.take(pa.array(which))
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)
