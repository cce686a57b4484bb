"""Forecasts need nothing but models; their figures take what else there is.

A run that is given a release and nothing else writes its forecasts. The nodes that draw also read
sales and scores of former pipelines: where those are not there, they get None in their place.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol, MemoryDataset
from kedro.pipeline import Pipeline

FIGURES = "figures"
"""The tag of nodes that draw, and that accept None for a dataset that does not exist."""
NEWER_WEEKS = "newer_weeks"
"""The tag of the node that rolls a release forward, where there are weeks that are newer."""
RECORDS = "records"
"""The tag of nodes that hold what former runs have left against what is there now."""

logger = logging.getLogger(__name__)


class FigureInputHooks:
    """Puts None in place of missing data that only figures would show."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Look for what such nodes need, nobody else does and the run does not make.

        Args:
            pipeline: The nodes to run.
            catalog: Where data are looked for and, if missing, replaced.
        """
        drawing = pipeline.only_nodes_with_tags(FIGURES, NEWER_WEEKS, RECORDS)
        others = pipeline - drawing
        for name in sorted((drawing.inputs() & pipeline.inputs()) - others.inputs()):
            if not name.startswith(("params:", "parameters")) and not catalog.exists(name):
                logger.info("There is no %s yet: the run goes on without.", name)
                with _no_warning():
                    catalog[name] = MemoryDataset(None)


@contextmanager
def _no_warning() -> Iterator[None]:
    """Keep Kedro from warning of an entry that is replaced: the line above has the reason."""
    catalog_logger = logging.getLogger("kedro.io.data_catalog")
    level = catalog_logger.level
    catalog_logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        catalog_logger.setLevel(level)
