"""The catalog's own types; a catalog entry names them ``book_forecast.datasets.<type>``."""

from book_forecast.datasets.atomic import (
    AtomicJSONDataset,
    AtomicParquetDataset,
    AtomicPlotlyDataset,
)
from book_forecast.datasets.generation import GenerationDataset

__all__ = [
    "AtomicJSONDataset",
    "AtomicParquetDataset",
    "AtomicPlotlyDataset",
    "GenerationDataset",
]
