"""One MLflow run: parameters, metrics, tables, figures and a child run for each title."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from book_forecast.plots.pages import standalone_page
from book_forecast.tracking import names, records
from book_forecast.tracking.inputs import dataset_input

if TYPE_CHECKING:
    from mlflow.entities import RunTag
    from mlflow.tracking import MlflowClient

logger = logging.getLogger(__name__)

T = TypeVar("T")

# MLflow's page shows CSV files; larger tables are logged as Parquet.
MAX_CSV_ROWS = 50_000
_METRICS_A_BATCH = 1000
_SECONDS_OF_A_WEEK = 7 * 24 * 3600
_TAGS_A_BATCH = 100


@dataclass(frozen=True)
class TrackedRun:
    """An open MLflow run; child runs go to the same experiment."""

    client: MlflowClient
    run_id: str
    experiment_id: str

    def log_parameters(self, nested: Mapping[str, Any]) -> None:
        """Log parameters; one that the run has with another value becomes a tag ``changed.<name>``.

        MLflow refuses to change a parameter, but a step that is retried may have another value.
        """
        from mlflow.entities import Param, RunTag

        logged = self.client.get_run(self.run_id).data.params
        shown = records.parameters(nested)
        new = [Param(name, value) for name, value in shown.items() if name not in logged]
        changed = [
            RunTag(f"changed.{name}", value)
            for name, value in shown.items()
            if logged.get(name, value) != value
        ]
        for batch in _batches(new, _TAGS_A_BATCH):
            self.client.log_batch(self.run_id, params=batch)
        self._set(changed)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set the tags that have a value, without secrets."""
        from mlflow.entities import RunTag

        self._set([RunTag(name, records.text(value)) for name, value in tags.items() if value])

    def rename(self, name: str) -> None:
        """Give the run another name."""
        self.client.update_run(self.run_id, name=name)

    def log_input(self, name: str, frame: pd.DataFrame, source: str, context: str) -> None:
        """Log a table as a dataset of the run: its digest, columns and extent.

        Args:
            name: Name of the catalog's entry.
            frame: The table.
            source: Its path or URL.
            context: What it is for, such as ``training``.
        """
        self.client.log_inputs(self.run_id, [dataset_input(name, frame, source, context)])

    def log_metrics(self, nested: Mapping[str, Any], wanted: Sequence[str] = ("*",)) -> None:
        """Log the finite numbers under names with dots, for the run and the model that it logged.

        Args:
            nested: Numbers by name.
            wanted: Names, also with ``*`` and ``?``, of those to be logged.
        """
        values = records.chosen(records.metrics(nested), wanted)
        self._log_metrics(self.run_id, values)
        outputs = self.client.get_run(self.run_id).outputs
        for model in outputs.model_outputs if outputs else []:
            self._log_metrics(self.run_id, values, model_id=model.model_id)

    def log_series(
        self, frame: pd.DataFrame, week: str, columns: Sequence[str], by: str, prefix: str
    ) -> None:
        """Log columns over weeks, one series a column and group; the step is the week's number.

        Args:
            frame: A row a week and group.
            week: Column of the weeks.
            columns: Those to be logged, where the frame has them.
            by: Column of the groups.
            prefix: First part of the names.
        """
        from mlflow.entities import Metric

        points = []
        for name in [name for name in columns if name in frame]:
            for row in frame[[week, by, name]].dropna().itertuples(index=False):
                day, group, value = row
                key = records.clean_name(f"{prefix}.{group}.{name}")
                moment = int(day.timestamp() * 1000)
                step = int(day.timestamp() // _SECONDS_OF_A_WEEK)
                points.append(Metric(key, float(value), moment, step))
        for batch in _batches(points, _METRICS_A_BATCH):
            self.client.log_batch(self.run_id, metrics=batch)

    def log_artifact(self, name: str, data: Any, folder: str) -> None:
        """Log a table, a figure, figures by name or a document in a form that MLflow can show.

        A table without rows, and figures of no title, are not logged.

        Args:
            name: File name without suffix.
            data: A frame, a Plotly figure, figures by name (or functions that return them), which
                share one page, a page, or JSON data.
            folder: Folder among the run's artifacts.
        """
        if isinstance(data, pd.DataFrame):
            if len(data):
                self._log_table(name, data, folder)
        elif hasattr(data, "to_plotly_json"):
            self._log_page(name, {name: data}, "", folder)
        elif isinstance(data, Mapping) and all(map(_is_drawn, data.values())):
            figures = {key: drawn() if callable(drawn) else drawn for key, drawn in data.items()}
            if figures:
                self._log_page(name, figures, name.replace("_", " ").capitalize(), folder)
        elif isinstance(data, str):
            self.client.log_text(self.run_id, data, f"{folder}/{name}.html")
        else:
            self.client.log_dict(self.run_id, data, f"{folder}/{name}.json")

    def log_titles(self, frame: pd.DataFrame, max_child_runs: int) -> int:
        """Create a child run for each title, or none if there are too many titles.

        Args:
            frame: One row per title: ``isbn``, numbers as metrics, texts as parameters.
            max_child_runs: The largest number of titles with child runs.

        Returns:
            The number of child runs.
        """
        if len(frame) > max_child_runs:
            logger.info(
                "%d titles are more than max_child_runs=%d: no child runs in MLflow, tables only",
                len(frame),
                max_child_runs,
            )
            return 0
        for row in frame.to_dict(orient="records"):
            self._log_title({str(name): value for name, value in row.items()})
        return len(frame)

    def _set(self, tags: list[RunTag]) -> None:
        for batch in _batches(tags, _TAGS_A_BATCH):
            self.client.log_batch(self.run_id, tags=batch)

    def _log_title(self, row: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        child = self.client.create_run(
            self.experiment_id,
            run_name=names.title_name(row),
            tags={"mlflow.parentRunId": self.run_id},
        )
        texts = {name: value for name, value in row.items() if isinstance(value, str)}
        self._log_metrics(
            child.info.run_id,
            records.metrics(row),
            params=[Param(name, value) for name, value in records.parameters(texts).items()],
        )
        self.client.set_terminated(child.info.run_id)

    def _log_metrics(
        self, run_id: str, values: Mapping[str, float], model_id: str | None = None, **more: Any
    ) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        points = [
            Metric(name, value, now, 0, model_id=model_id, run_id=model_id and run_id)
            for name, value in values.items()
        ]
        for batch in list(_batches(points, _METRICS_A_BATCH)) or [[]]:
            self.client.log_batch(run_id, metrics=batch, **more)

    def _log_page(self, name: str, figures: Mapping[str, Any], title: str, folder: str) -> None:
        # MLflow shows a page without the files beside it, and a planner may have no network.
        page = standalone_page(figures, title)
        self.client.log_text(self.run_id, page, f"{folder}/{name}.html")

    def _log_table(self, name: str, frame: pd.DataFrame, folder: str) -> None:
        suffix, write = (
            ("csv", frame.to_csv) if len(frame) <= MAX_CSV_ROWS else ("parquet", frame.to_parquet)
        )
        with tempfile.TemporaryDirectory() as folder_of_file:
            path = Path(folder_of_file, f"{name}.{suffix}")
            write(path, index=False)
            self.client.log_artifact(self.run_id, str(path), folder)


def _is_drawn(value: Any) -> bool:
    return callable(value) or hasattr(value, "to_plotly_json")


def _batches(items: list[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
