"""The base of all option models."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class OptionGroup(BaseModel):
    """Base of all option models: unknown names are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
