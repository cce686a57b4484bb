"""The parts that shards write."""

from __future__ import annotations

import dataclasses

import pandas as pd

from book_forecast.options.groups import Shard


@dataclasses.dataclass(frozen=True)
class Part:
    """The result of one shard.

    Attributes:
        frame: The rows of the shard's titles; the index is not saved.
        fingerprint: The generation that it belongs to.
        shard: The shard.
    """

    frame: pd.DataFrame
    fingerprint: str
    shard: Shard = dataclasses.field(default_factory=Shard)
