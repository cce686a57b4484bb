"""How a panel is run: its `panel.yml`, the command line, or defaults."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, field_validator

from benchmarks.accuracy.published import PUBLISHED
from book_forecast.options.base import OptionGroup
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.series.history import TableFuture
from book_forecast.storage.errors import UserError

FILE = "panel.yml"


class PanelOptions(OptionGroup):
    """How a panel is run.

    Attributes:
        horizon: Test weeks; None for 13, at most a tenth of the panel's weeks. 8 is GIFT-Eval's.
        origins: Test cutoffs, a horizon apart; None for one, or for as many as GIFT-Eval has.
        calendar: Whether the English calendar applies.
        titles: `all`, or ISBNs with spaces between them.
        future: Knowledge of the weeks ahead of regressors that `futures` does not name.
        futures: The same by name.
        promotions_known: Whether a forecast knows the promotions of the weeks ahead.
        gift_eval: Name of the GIFT-Eval data set that the panel is, as in `m4_weekly/W`.
        parameters: Further parameters of `kedro run` by name.
        about: A sentence for the page.
    """

    horizon: int | None = Field(default=None, ge=1, le=LONGEST_HORIZON)
    origins: int | None = Field(default=None, ge=1)
    calendar: bool = True
    titles: str = "all"
    future: TableFuture = "last"
    futures: dict[str, TableFuture] = Field(default={})
    promotions_known: bool = False
    gift_eval: str | None = None
    parameters: dict[str, str | int | float | bool] = Field(default={})
    about: str = ""

    @field_validator("gift_eval")
    @classmethod
    def _is_published(cls, value: str | None) -> str | None:
        if value is not None and value not in PUBLISHED:
            raise ValueError(f"no figures are published of it; known are {', '.join(PUBLISHED)}")
        return value


def read_options(
    folder: Path, given: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> PanelOptions:
    """Return the options of a panel: those given, its file's, then defaults.

    Args:
        folder: The panel's, with or without a `panel.yml`.
        given: Options from the command line.
        defaults: Those of the panel's layout.

    Raises:
        UserError: An option is unknown or beyond its limits.
    """
    file = folder / FILE
    try:
        own = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}) if file.exists() else {}
        if not isinstance(own, dict):
            raise UserError(f"{file} is no list of options: write name: value lines.")
        return PanelOptions.model_validate({**(defaults or {}), **own, **given})
    except yaml.YAMLError as error:
        raise UserError(f"{file} is not YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        reason = str(first["msg"]).removeprefix("Value error, ") + "."
        if first["type"] == "extra_forbidden":
            known = ", ".join(PanelOptions.model_fields)
            near = difflib.get_close_matches(name, PanelOptions.model_fields, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {known}."
            reason = f"there is no such option: {hint}"
        raise UserError(
            f"Option {name} of the panel {folder.name}: {reason} "
            f"Correct {file}, --panel or --horizon."
        ) from None


def parse_given(texts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Read `--panel name:key=value` options.

    Returns:
        Options by panel and name.

    Raises:
        UserError: A text has another form.
    """
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        panel, colon, rest = text.partition(":")
        name, sign, value = rest.partition("=")
        if not (panel and colon and name and sign):
            raise UserError(f"--panel {text!r}: write name:key=value, as in bakery:horizon=8.")
        try:
            found.setdefault(panel, {})[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UserError(f"--panel {text!r}: the value is not YAML: {error}") from None
    return found
