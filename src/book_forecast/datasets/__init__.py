"""The catalog's own types; a catalog entry names them ``book_forecast.datasets.<type>``."""

from book_forecast.datasets.atomic import (
    AtomicJSONDataset,
    AtomicParquetDataset,
    AtomicPlotlyDataset,
)
from book_forecast.datasets.exports import ExportsDataset
from book_forecast.datasets.figures import FiguresDataset
from book_forecast.datasets.generation import GenerationDataset
from book_forecast.datasets.journals import JournalFolderDataset

__all__ = [
    "AtomicJSONDataset",
    "AtomicParquetDataset",
    "AtomicPlotlyDataset",
    "ExportsDataset",
    "FiguresDataset",
    "GenerationDataset",
    "JournalFolderDataset",
]
