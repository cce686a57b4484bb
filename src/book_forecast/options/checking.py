"""What is wrong with parameters, said so that a user can mend all of it at once."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from book_forecast.options.run import Options
from book_forecast.storage.errors import UserError


def check_options(values: Mapping[str, Any]) -> Options:
    """Check parameter values, those nobody has asked for included.

    Args:
        values: Parameters as configuration and command line give them.

    Returns:
        The checked options, normalised.

    Raises:
        UserError: Unknown names or values out of range; all of them in one message.
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
    if not path or isinstance(detail["input"], Mapping):
        return f"{name}: {reason}."
    return f"{name} is {detail['input']!r}: {reason}."


def _unknown_name(path: list[str]) -> str:
    *group, name = path
    prefix = "".join(f"{part}." for part in group)
    known = _names(Options)
    siblings = [other for other in known if other.startswith(prefix)]
    # Misspelt, or right but in the wrong group; later ones replace those of the same last part.
    candidates = [*Options.model_fields, *known, *siblings]
    by_last_part = {other.rpartition(".")[2]: other for other in candidates}
    near = difflib.get_close_matches(name, by_last_part, n=1)
    hint = f"did you mean {by_last_part[near[0]]}?" if near else f"known are {', '.join(siblings)}."
    return f"There is no parameter {prefix}{name}: {hint}"


def _names(model: type[BaseModel], prefix: str = "") -> list[str]:
    """All option names of a model, those in groups behind the group's name and a dot."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += _names(field.annotation, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names
