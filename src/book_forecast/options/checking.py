"""The check of all parameters, with one message about everything that is wrong."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from book_forecast.options.run import Options
from book_forecast.storage.errors import UserError


def check_options(values: Mapping[str, Any]) -> Options:
    """Check the values of all parameters.

    Args:
        values: Parameters as configuration and command line give them.

    Returns:
        The normalised options.

    Raises:
        UserError: Names are unknown or values out of range; one message names all of them.
    """
    try:
        return Options.model_validate(values)
    except ValidationError as error:
        problems = " ".join(_problem(dict(detail)) for detail in error.errors())
        raise UserError(
            f"{problems} Parameters come from conf/<environment>/parameters*.yml and --params."
        ) from None


def _problem(detail: Mapping[str, Any]) -> str:
    path = [str(part) for part in detail["loc"]]
    name = ".".join(path) or "The parameters"
    if detail["type"] == "extra_forbidden":
        return _unknown_name(path)
    reason = str(detail["msg"]).removeprefix("Value error, ")
    if not reason.endswith((".", "?")):
        reason += "."
    if not path or isinstance(detail["input"], Mapping):
        return f"{name}: {reason}"
    return f"{name} is {detail['input']!r}: {reason}"


def _unknown_name(path: list[str]) -> str:
    *group, name = path
    prefix = "".join(f"{part}." for part in group)
    known = _names(Options)
    siblings = [other for other in known if other.startswith(prefix)]
    # Of the same last part, the names of the same group come last and win.
    by_last_part = {other.rpartition(".")[2]: other for other in [*known, *siblings]}
    near = difflib.get_close_matches(name, by_last_part, n=1)
    hint = f"did you mean {by_last_part[near[0]]}?" if near else f"known are {', '.join(siblings)}."
    return f"There is no parameter {prefix}{name}: {hint}"


def _names(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Return the dotted names of all parameters and of their groups."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        names.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += _names(field.annotation, f"{prefix}{name}.")
    return names
