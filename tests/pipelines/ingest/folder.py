"""The real ingest pipeline on the real catalog, with its data in a folder of its own."""

from pathlib import Path
from typing import Any

import pandas as pd
from kedro.io import DataCatalog
from kedro.runner import SequentialRunner
from omegaconf import OmegaConf

from book_forecast.options.groups import IngestOptions
from book_forecast.pipelines.ingest import create_pipeline


class IngestFolder:
    """A data root on which ingest runs."""

    def __init__(self, root: Path, project_path: Path) -> None:
        self.root = root
        self.sales = root / "01_raw" / "sales"
        self.sales.mkdir(parents=True)
        entries = OmegaConf.load(project_path / "conf" / "base" / "catalog_ingest.yml")
        resolved: Any = OmegaConf.to_container(
            OmegaConf.merge({"_root": str(root)}, entries), resolve=True
        )
        self.entries = {name: entry for name, entry in resolved.items() if name != "_root"}

    def run(self, exports: dict[str, Any] | None = None, **options: Any) -> None:
        """Run all nodes of ingest with some of its options."""
        ingest = IngestOptions(**options)
        catalog = DataCatalog.from_config(self.entries)
        catalog["params:exports"] = exports or {}
        catalog["params:ingest"] = ingest
        catalog["params:ingest.max_rejected_share"] = ingest.max_rejected_share
        SequentialRunner().run(create_pipeline(), catalog)

    def table(self, name: str) -> pd.DataFrame:
        """Return one of its tables."""
        [path] = self.root.rglob(f"{name}.parquet")
        return pd.read_parquet(path)
