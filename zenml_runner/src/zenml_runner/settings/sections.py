"""The base of all sections of zenml.yml and of all plain data, and sections of few keys.

They are schedules, and what ZenML shows of a run: artifacts, models and messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from zenml_runner.errors import did_you_mean

Shards = Annotated[int, Field(ge=1, le=1000)] | Literal["auto"]


class Section(BaseModel):
    """A section of the file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, content: Any) -> Any:
        for key in content if isinstance(content, dict) else ():
            if key not in cls.model_fields:
                raise ValueError(f"no key {key!r} here; {did_you_mean(key, cls.model_fields)}")
        return content


def deep_merge(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the values of `more` in place of its own, at any depth."""
    result = {**base, **more}
    for key in base.keys() & more.keys():
        if isinstance(base[key], Mapping) and isinstance(more[key], Mapping):
            result[key] = deep_merge(base[key], more[key])
    return result


class ScheduleSettings(Section):
    """The schedule of a pipeline.

    Attributes:
        cron: Five fields, in `timezone`.
        timezone: Name of a time zone, such as ``Europe/London``; UTC if None.
        start: First moment of the schedule; without an offset in `timezone`.
        end: Its last moment, likewise.
        catchup: Whether runs that were missed are made up for.
        params: Runtime parameters of its runs.
        shards: Number of shards, or ``auto``: counted when the schedule is created.
    """

    cron: str = Field(pattern=r"^\S+( \S+){4}$")
    timezone: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    catchup: bool = False
    params: dict[str, Any] = {}
    shards: Shards | None = None

    @field_validator("timezone")
    @classmethod
    def _refuse_unknown_zone(cls, name: str | None) -> str | None:
        if name is not None:
            try:
                ZoneInfo(name)
            except (KeyError, ValueError, OSError):
                raise ValueError(
                    f"there is no time zone {name!r}; names are like Europe/London"
                ) from None
        return name

    @model_validator(mode="after")
    def _refuse_empty_time(self) -> Self:
        start, end = self.first, self.last
        if start is not None and end is not None and end <= start:
            raise ValueError("end must be after start")
        return self

    @property
    def first(self) -> datetime | None:
        """The start with its offset."""
        return self._with_offset(self.start)

    @property
    def last(self) -> datetime | None:
        """The end with its offset."""
        return self._with_offset(self.end)

    @property
    def zone(self) -> str:
        """The name of its time zone."""
        return self.timezone or "UTC"

    def _with_offset(self, moment: datetime | None) -> datetime | None:
        if moment is None or moment.tzinfo is not None:
            return moment
        return moment.replace(tzinfo=ZoneInfo(self.timezone) if self.timezone else UTC)


Stage = Literal["staging", "production", "archived"]
ModelName = Annotated[str, Field(min_length=1)]


class ArtifactSettings(Section):
    """The datasets that ZenML shows as artifacts.

    Attributes:
        enabled: Whether datasets become artifacts at all.
        rows: Rows of a table in its visualisation; with 0 no contents leave the catalog.
        hide: Datasets whose contents never leave the catalog; patterns such as ``raw_*``.
    """

    enabled: bool = True
    rows: int = Field(default=20, ge=0, le=1000)
    hide: tuple[str, ...] = ()


class ModelSettings(Section):
    """The ZenML model that the runs of a pipeline make versions of.

    Attributes:
        name: Of the model.
        artifacts: Datasets that are the model; patterns such as ``*.regressor``.
        metrics: Datasets whose numbers become metadata of the version; patterns. By default those
            of a type for metrics, and those with ``metrics`` in their names.
        stages: ZenML stages that follow aliases in MLflow's model registry, such as
            ``{production: champion}``.
        registered_model: Name in MLflow's registry; by default the one whose versions the runs
            of this model have registered.
    """

    name: ModelName
    artifacts: tuple[str, ...] = ()
    metrics: tuple[str, ...] | None = None
    stages: dict[Stage, str] = {}
    registered_model: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, content: Any) -> Any:
        return {"name": content} if isinstance(content, str) else content


class AlertSettings(Section):
    """Messages to the stack's alerter.

    Attributes:
        on_failure: Whether each step that fails for good is reported.
        on_success: Whether each completed run is reported.
    """

    on_failure: bool = False
    on_success: bool = False

    @property
    def any(self) -> bool:
        """Whether anything is reported."""
        return self.on_failure or self.on_success


class Shows(Section):
    """What ZenML shows of a run, as its steps need it.

    Attributes:
        artifacts: Datasets as artifacts.
        model: The model that the run makes a version of.
        followed: Models whose stages follow MLflow's aliases.
        alerts: Messages.
    """

    artifacts: ArtifactSettings = ArtifactSettings()
    model: ModelSettings | None = None
    followed: tuple[ModelSettings, ...] = ()
    alerts: AlertSettings = AlertSettings()
