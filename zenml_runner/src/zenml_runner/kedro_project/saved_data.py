"""What the data of a step look like, taken from memory while its nodes load and save them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io.core import is_parameter

from zenml_runner.kedro_project.private import is_ephemeral, unwrap, without_transcoding
from zenml_runner.settings.shows import ArtifactSettings, Shows
from zenml_runner.views.look import view_of
from zenml_runner.views.values import numbers_of
from zenml_runner.views.view import View

logger = logging.getLogger(__name__)


class SavedData:
    """A Kedro hook that looks at saved data; an error of it is a warning.

    Attributes:
        parameters: That nodes have read, by name.
        types: Module and class of what was loaded or saved, by dataset.
        views: By dataset; of a node that saves piece by piece, the first piece.
        numbers: Metrics of the run's model, by dataset.
    """

    def __init__(self) -> None:
        self._catalog: Any = None
        self.clear(Shows(artifacts=ArtifactSettings(enabled=False)))

    def clear(self, shows: Shows) -> None:
        """Forget all data.

        Args:
            shows: What is shown from now on.
        """
        self._shows = shows
        self.parameters: dict[str, Any] = {}
        self.types: dict[str, tuple[str, str]] = {}
        self.views: dict[str, View] = {}
        self.numbers: dict[str, dict[str, float]] = {}

    @hook_impl
    def after_catalog_created(self, catalog: Any) -> None:
        """Remember the catalog, which knows whether data are in memory only."""
        self._catalog = catalog

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Record the type of data, and what parameters are."""
        if is_parameter(dataset_name):
            self.parameters[dataset_name.removeprefix("params:")] = data
        else:
            self._record_type(dataset_name, data)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Record type, view and numbers of data that stay."""
        if not self._shows.artifacts.enabled or is_ephemeral(self._dataset(dataset_name)):
            return
        self._record_type(dataset_name, data)
        try:
            if self._is_metric(dataset_name):
                self.numbers[dataset_name] = numbers_of(data)
            if dataset_name not in self.views and self._is_shown(dataset_name):
                view = view_of(data, self._shows.artifacts.rows)
                if view is not None:
                    self.views[dataset_name] = view
        except Exception as error:  # noqa: BLE001 - a picture must not fail a node that has run
            reason = str(error).partition("\n")[0][:100]
            logger.warning("%s has no visualisation (%s)", dataset_name, reason)

    def _dataset(self, name: str) -> Any:
        return unwrap(self._catalog.get(name))

    def _record_type(self, name: str, data: Any) -> None:
        self.types[name] = (type(data).__module__, type(data).__qualname__)

    def _is_shown(self, name: str) -> bool:
        """Return whether contents may leave the catalog; kedro-viz asks with `preview: false`."""
        settings = self._shows.artifacts
        if settings.rows == 0 or matches(name, settings.hide):
            return False
        metadata = getattr(self._dataset(name), "metadata", None)
        of_viz = metadata.get("kedro-viz") if isinstance(metadata, dict) else None
        return not (isinstance(of_viz, dict) and of_viz.get("preview") is False)

    def _is_metric(self, name: str) -> bool:
        model = self._shows.model
        if model is None:
            return False
        if model.metrics is not None:
            return matches(name, model.metrics)
        kind = type(self._dataset(name)).__name__
        return "metric" in kind.lower() or "metrics" in name.rpartition(".")[2].lower()


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a dataset's name has a pattern, with or without its transcoding."""
    names = (name, without_transcoding(name))
    return any(fnmatchcase(one, pattern) for one in names for pattern in patterns)
