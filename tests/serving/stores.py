"""A store of two releases, of titles with a season, growth and weeks that were not reported."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from book_forecast.payload.manifest import LONGEST_HORIZON, PROBABILITIES
from book_forecast.releases.assembly import assemble
from book_forecast.releases.promotion_log import Promotion
from book_forecast.releases.store import ReleaseStore
from tests.releases import payloads

BEFORE, NOW = "2024-06-24T05.00.00-0000000a", "2024-07-01T05.00.00-0000000b"
CUTOFF = payloads.CUTOFF
WEEKS = 300
GAP = slice(150, 163)
TITLES = [
    ("The Very Hungry Caterpillar", "Carle, Eric"),
    ("Café Müller: Eine Liebe", "Ørsted, Zoë"),
    ('=HYPERLINK("http://evil.example")', "@formula"),
    ("<b>Bold</b> & <script>alert(1)</script>", "Brontë, Anne"),
    ("The Alchemist", "Coelho, Paulo"),
    (
        "A Brief History of Nearly Everything That Ever Happened, and of Some That Did Not",
        "Long, A",
    ),
    ("Notes from a Small Island", "Bryson, Bill"),
    ('מלחמה ושלום, "כרך א"', "טולסטוי, לב"),
    ("Captain Corelli's Mandolin", "Bernières, Louis de"),
    ("Knitting for Owls", None),
]
FIRST, CAFE, FORMULA, TAGS, ALCHEMIST = (payloads.isbn(n) for n in range(5))
HEBREW = payloads.isbn(7)
CLASSES = ("F1.1", "S2.0", "Y3.4")


def tables(cutoff: dt.date, titles: int, faster: float, seed: int = 5) -> dict[str, pa.Table]:
    """Tables of a payload.

    Args:
        cutoff: Last week known.
        titles: How many; beyond the named ones they are numbered.
        faster: Titles are expected to sell so many times as much or as little, more or less.
        seed: Of the noise.
    """
    made = payloads.tables(titles=titles, weeks=WEEKS, seed=seed)
    generator = np.random.default_rng(seed)
    offset = (cutoff - CUTOFF).days // 7
    time = np.arange(WEEKS + LONGEST_HORIZON) + offset
    season = 1.0 + 0.9 * np.exp(-0.5 * ((time % 52 - 12) / 3.0) ** 2) + 0.15 * np.sin(time / 8.3)
    size = generator.lognormal(4.0, 1.2, (titles, 1))
    growth = generator.normal(0.0, 0.0012, (titles, 1))
    expected = size * season * np.exp(growth * time)
    noise = generator.lognormal(-0.02, 0.2, (titles, WEEKS))
    volumes = np.round(expected[:, :WEEKS] * noise)
    volumes[:, GAP] = np.nan
    ahead = expected[:, WEEKS:].copy()
    ahead *= faster ** generator.normal(size=(titles, 1))
    spread = 0.2 * np.sqrt(np.linspace(1.0, 4.0, LONGEST_HORIZON))
    scores = np.array([NormalDist().inv_cdf(p) for p in PROBABILITIES])
    quantiles = ahead[:, None, :] * np.exp(scores[:, None] * spread)
    made["histories"] = pa.table(
        {"volumes": pa.array([list(r) for r in volumes], pa.list_(pa.float64()), from_pandas=True)}
    )
    made["distributions"] = pa.table(
        {
            "mean": payloads._lists(ahead),
            "quantiles": payloads._lists(quantiles.reshape(titles, -1)),
        }
    )
    wape = generator.uniform(0.12, 0.4, titles)
    baseline = wape * generator.uniform(0.9, 1.7, titles)
    errors = {"wape": wape, "mase": wape * 3.1, "seasonal_naive_wape": baseline}
    made["scores"] = pa.table(errors | {"seasonal_naive_mase": baseline * 3.1})
    names = TITLES[:titles] + [(f"The Book of {n}", f"Author {n % 7}") for n in range(10, titles)]
    replaced = {
        "title": [name for name, _ in names],
        "author": [author for _, author in names],
        "product_class": [CLASSES[n % len(CLASSES)] for n in range(titles)],
        "trained_until": [cutoff] * titles,
        "cutoff": [cutoff] * titles,
        "first_week": [cutoff - dt.timedelta(weeks=WEEKS - 1)] * titles,
    }
    for name, values in replaced.items():
        at = made["titles"].schema.get_field_index(name)
        column = pa.array(values, made["titles"].schema.field(at).type)
        made["titles"] = made["titles"].set_column(at, name, column)
    return made | payloads.planning(titles=titles, weeks=WEEKS, horizon=LONGEST_HORIZON)


def write_stock(path: Path, chances: Mapping[str, float], **columns: Any) -> None:
    """Advice on the stock of some titles, as the pipeline `decide` writes it.

    Args:
        path: Of the file.
        chances: To run out, by ISBN. The likelier, the sooner; below a half there is no week.
        columns: Other values of columns.
    """
    isbns, likely = list(chances), list(chances.values())
    weeks: list[dt.date | None] = [
        CUTOFF + dt.timedelta(weeks=round(10 * (1.0 - chance)) + 1) if chance >= 0.5 else None
        for chance in likely
    ]
    values = {
        "isbn": isbns,
        "product_class": ["F1.1"] * len(isbns),
        "release": [NOW] * len(isbns),
        "last_week": _moments([CUTOFF for _ in isbns]),
        "on_hand": [120.0] * len(isbns),
        "on_order": [0.0] * len(isbns),
        "lead_weeks": [8] * len(isbns),
        "demand": [200.0] * len(isbns),
        "chance_to_run_out": likely,
        "run_out_week": _moments(weeks),
        "cover_weeks": [5] * len(isbns),
        "target": [0.9] * len(isbns),
        "order": [round(100 * chance) for chance in likely],
        "reason": ["120 copies last five weeks, and an order arrives in eight."] * len(isbns),
        "lo-80": [100.0] * len(isbns),
        **columns,
    }
    pq.write_table(pa.table(values), path)


def _moments(days: list[dt.date | None]) -> pa.Array:
    """Days as Kedro's table has them."""
    return pa.array(days, pa.date32()).cast(pa.timestamp("us"))


def write(root: Path, titles: int = 60) -> ReleaseStore:
    """A store whose champion follows another one, of a week before."""
    store = ReleaseStore(str(root))
    about = {"created": "2024-07-01T05:00:00Z", "versions": {"book_forecast": "0.1.0"}}
    previous = tables(CUTOFF - dt.timedelta(weeks=1), titles, faster=1.0)
    # A title of its own in either release: one is new, one is gone.
    store.write(
        BEFORE, assemble(BEFORE, {k: t.slice(0, titles - 1) for k, t in previous.items()}, about)
    )
    store.write(NOW, assemble(NOW, tables(CUTOFF, titles, faster=1.25), about))
    for number, (release, before) in enumerate([(BEFORE, None), (NOW, BEFORE)], 1):
        store.record(
            Promotion(
                number=number,
                action="promote",
                release=release,
                before=before,
                who="ann",
                when=dt.datetime(2024, 7, number, 5, tzinfo=dt.UTC),
                why="better on the test weeks",
            )
        )
    return store
