"""What ZenML shows of a run: artifacts, models and messages; sections of zenml.yml."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from zenml_runner.settings.sections import Section

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
