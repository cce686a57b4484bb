"""The catalog's own types; a catalog entry names them ``book_forecast.datasets.<type>``."""

from book_forecast.datasets.atomic import (
    AtomicJSONDataset,
    AtomicParquetDataset,
    AtomicPlotlyDataset,
    AtomicTextDataset,
    FigurePageDataset,
    FormerTableDataset,
    TitleRowsDataset,
)
from book_forecast.datasets.bigquery.sales import BigQuerySalesDataset
from book_forecast.datasets.bigquery.tables import BigQueryTableDataset
from book_forecast.datasets.challenges import ChallengeDataset, ChallengerDataset
from book_forecast.datasets.checked import CheckedJSONDataset
from book_forecast.datasets.checkpoints import CheckpointFolderDataset
from book_forecast.datasets.exports import ExportsDataset
from book_forecast.datasets.figures import FiguresDataset
from book_forecast.datasets.generations import GenerationDataset
from book_forecast.datasets.outbox import OutboxDataset
from book_forecast.datasets.overrides import OverridesDataset
from book_forecast.datasets.releases import ChampionDataset, PinDataset, ReleaseDataset
from book_forecast.datasets.served_tables import ServedTableDataset
from book_forecast.datasets.tables import CsvTableDataset
from book_forecast.datasets.title_lists import LaunchTablesDataset, TitleListsDataset
from book_forecast.datasets.week_rows import WeekRowsDataset

__all__ = [
    "AtomicJSONDataset",
    "AtomicParquetDataset",
    "AtomicPlotlyDataset",
    "AtomicTextDataset",
    "BigQuerySalesDataset",
    "BigQueryTableDataset",
    "ChallengeDataset",
    "ChallengerDataset",
    "ChampionDataset",
    "CheckedJSONDataset",
    "CheckpointFolderDataset",
    "CsvTableDataset",
    "ExportsDataset",
    "FigurePageDataset",
    "FiguresDataset",
    "FormerTableDataset",
    "GenerationDataset",
    "LaunchTablesDataset",
    "OutboxDataset",
    "OverridesDataset",
    "PinDataset",
    "ReleaseDataset",
    "ServedTableDataset",
    "TitleListsDataset",
    "TitleRowsDataset",
    "WeekRowsDataset",
]
