"""All parameters of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, PlainValidator, model_validator

from book_forecast.bookscan.hints import ExportHints
from book_forecast.options.alerts import AlertOptions
from book_forecast.options.base import OptionGroup
from book_forecast.options.decisions import DecideOptions
from book_forecast.options.groups import (
    BacktestOptions,
    ExecutionOptions,
    ForecastOptions,
    IngestOptions,
    PromoteOptions,
    ReportingOptions,
    SelectionOptions,
)
from book_forecast.options.models import ModelOptions
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.options.retention import RetentionOptions
from book_forecast.options.retraining import RetrainOptions
from book_forecast.options.values import check_release

# Groups of earlier versions whose rolling origins stand in `backtest`.
_FORMER_BACKTEST_GROUPS = ("tune", "evaluate")


class Options(OptionGroup):
    """All parameters of a run.

    A name without its group is accepted too: `titles` is `selection.titles`.
    """

    data_root: str | None = Field(default=None, min_length=1)
    release: Annotated[str, PlainValidator(check_release)] = "champion"
    registered_model: str | None = Field(default=None, pattern=r"^[\w. -]+$")
    selection: SelectionOptions = SelectionOptions()
    exports: dict[str, ExportHints] = Field(default_factory=dict)
    ingest: IngestOptions = IngestOptions()
    backtest: BacktestOptions = BacktestOptions()
    models: ModelOptions = ModelOptions()
    forecast: ForecastOptions = ForecastOptions()
    execution: ExecutionOptions = ExecutionOptions()
    promote: PromoteOptions = PromoteOptions()
    decide: DecideOptions = DecideOptions()
    monitor: MonitorOptions = MonitorOptions()
    retrain: RetrainOptions = RetrainOptions()
    alerts: AlertOptions = AlertOptions()
    reporting: ReportingOptions = ReportingOptions()
    retention: RetentionOptions = RetentionOptions()

    @model_validator(mode="before")
    @classmethod
    def _move_into_groups(cls, values: Any) -> Any:
        return grouped(values) if isinstance(values, Mapping) else values


def grouped(values: Mapping[str, Any]) -> dict[str, Any]:
    """Move parameters that are named without their group into it; they win over its own.

    Args:
        values: Parameters as configuration and command line give them.

    Returns:
        The same with groups alone; unknown names stay as they are.
    """
    found = {name: value for name, value in values.items() if name not in _GROUP_OF}
    for name, value in values.items():
        if name in _FORMER_BACKTEST_GROUPS and isinstance(value, Mapping):
            names = value if name == "evaluate" else BacktestOptions.model_fields
            origins = {key: value[key] for key in value if key in names}
            value = {key: value[key] for key in value if key not in origins}  # noqa: PLW2901
            found["backtest"] = _merged(found.get("backtest"), origins)
            found.pop(name, None)
        if name in _GROUP_OF:
            group = _GROUP_OF[name]
            found[group] = _merged(found.get(group), {name: value})
    return found


def with_runtime(values: Mapping[str, Any], runtime: Mapping[str, Any]) -> dict[str, Any]:
    """Let run-time parameters win over configuration, however either names them.

    Args:
        values: Parameters of the configuration, run-time parameters merged in.
        runtime: The run-time parameters.
    """
    return dict(_merged(grouped(values), grouped(runtime)))


def _merged(group: Any, values: Mapping[str, Any]) -> Any:
    """Merge values into a group, nested groups alike."""
    if not isinstance(group, Mapping):
        return values if group is None else group
    merged = dict(group)
    for name, value in values.items():
        nested = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _merged(merged[name], value) if nested else value
    return merged


def _groups() -> dict[str, str]:
    """The group of each parameter."""
    return {
        name: group
        for group, field in Options.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        for name in field.annotation.model_fields
    }


_GROUP_OF = {name: group for name, group in _groups().items() if name not in Options.model_fields}
