"""What a request is answered: the same over HTTP, on Vertex AI and as a function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from book_forecast.bookscan.isbn_text import normalise_text
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.limits import HIGHEST_LEVEL, LOWEST_LEVEL, check_level
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.serving.errors import RequestError

JSON = "application/json"
DEFAULT_HORIZON = 32
DEFAULT_LEVELS: tuple[float, ...] = (80, 95)
MOST_LEVELS = 10
LONGEST_ISBN = 40
"""Characters; beyond, no spelling of an ISBN is looked for."""
_DECIMALS = 3


class RefusedError(RequestError):
    """Something asked for that cannot be answered.

    Attributes:
        code: For programs: `unknown_isbn`, `invalid_isbn`, `invalid_horizon`, `invalid_levels` or
            `invalid_instance`.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(404 if code == "unknown_isbn" else 422, detail)
        self.code = code


@dataclass(frozen=True)
class Batch:
    """A request that was read.

    Attributes:
        instances: What is asked for; not looked at yet.
        horizon: Where an instance has none.
        levels: Where an instance has none.
        max_horizon: Longest horizon of an instance.
    """

    instances: list[Any]
    horizon: int
    levels: tuple[float, ...]
    max_horizon: int


def check_type(content_type: str | None) -> None:
    """Refuse a body of another type than JSON; one of no type is taken to be that.

    Args:
        content_type: As the header tells it.

    Raises:
        RequestError: If it is another one (415).
    """
    if (content_type or JSON).partition(";")[0].strip().lower() != JSON:
        raise RequestError(415, f"The body must be of type {JSON}.")


def read_batch(body: bytes, max_instances: int, max_horizon: int = LONGEST_HORIZON) -> Batch:
    """Read the body of a request.

    Args:
        body: JSON as Vertex AI sends it, with `instances` and maybe `parameters`.
        max_instances: How many may be asked for at once.
        max_horizon: How many weeks ahead may be.

    Returns:
        The instances, and what holds for all of them.

    Raises:
        RequestError: If the body is no such request (400, 422) or asks for too much (413).
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"The body is no JSON: {error}.") from None
    if not isinstance(content, dict) or not isinstance(content.get("instances"), list):
        raise RequestError(422, 'The body must be an object with a list of "instances".')
    _refuse_others(content, {"instances", "parameters"}, "The body")
    instances = content["instances"]
    if len(instances) > max_instances:
        raise RequestError(413, f"{len(instances)} instances are more than {max_instances}.")
    parameters = _given(content, "parameters", {})
    if not isinstance(parameters, dict):
        raise RequestError(422, '"parameters" must be an object.')
    _refuse_others(parameters, {"horizon", "levels"}, '"parameters"')
    default = min(DEFAULT_HORIZON, max_horizon)
    horizon = read_horizon(_given(parameters, "horizon", default), max_horizon)
    levels = read_levels(_given(parameters, "levels", DEFAULT_LEVELS))
    return Batch(instances, horizon, levels, max_horizon)


def predictions(answers: ForecastReader, batch: Batch) -> Iterator[tuple[str, dict[str, Any]]]:
    """Answer a batch.

    Args:
        answers: Of the release.
        batch: As `read_batch` makes it.

    Yields:
        For each instance how it went (`answered`, or the code of what is wrong) and its prediction,
        or the error in its place.
    """
    for instance in batch.instances:
        try:
            yield "answered", _answer(answers, instance, batch)
        except RefusedError as error:
            failure: dict[str, Any] = {
                "release": answers.payload.release,
                "cutoff": answers.payload.manifest["cutoff"],
                "error": {"code": error.code, "message": error.detail},
            }
            isbn = instance.get("isbn") if isinstance(instance, dict) else None
            if isinstance(isbn, str | int) and len(str(isbn)) <= LONGEST_ISBN:
                failure = {"isbn": str(isbn), **failure}
            yield error.code, failure


def forecast(
    answers: ForecastReader, isbn: str, horizon: int, levels: tuple[float, ...]
) -> dict[str, Any]:
    """The forecast of a title, ready for JSON.

    Args:
        answers: Of the release.
        isbn: As `read_isbn` returns it.
        horizon: As `read_horizon` returns it.
        levels: As `read_levels` returns them.

    Returns:
        Weeks, and copies a week.

    Raises:
        RefusedError: If the release does not have the title.
    """
    try:
        answer = answers.forecast(isbn, horizon, levels)
    except KeyError:
        raise unknown(answers, isbn) from None
    return {
        "isbn": isbn,
        "release": answers.payload.release,
        "cutoff": str(answer.cutoff),
        "model": answer.model,
        "weeks": _iso_weeks(answer.cutoff)[:horizon],
        "mean": _rounded(answer.mean),
        "intervals": [
            {"level": level, "lower": _rounded(lower), "upper": _rounded(upper)}
            for level, (lower, upper) in answer.bounds.items()
        ],
    }


def unknown(answers: ForecastReader, isbn: str) -> RefusedError:
    """What is said of a title that a release does not have."""
    return RefusedError("unknown_isbn", f"{isbn} is not in release {answers.payload.release}.")


def read_isbn(value: object) -> str:
    """An ISBN in any spelling, as 13 digits.

    Raises:
        RefusedError: If it is none.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RefusedError("invalid_isbn", "isbn must be an ISBN as text.")
    text = str(value)
    if len(text) > LONGEST_ISBN:
        raise RefusedError("invalid_isbn", f"isbn has more than {LONGEST_ISBN} characters.")
    try:
        return normalise_text(text)
    except ValueError as error:
        raise RefusedError("invalid_isbn", f"isbn {text!r}: {error}.") from None


def read_horizon(value: object, longest: int = LONGEST_HORIZON) -> int:
    """A horizon in weeks.

    Raises:
        RefusedError: If it is none, or out of bounds; names the bounds.
    """
    number = _number(value)
    if number is None or not number.is_integer() or not 1 <= number <= longest:
        said = "" if number is None else f" {value}:"
        raise RefusedError(
            "invalid_horizon", f"horizon{said} must be a whole number of weeks, 1 to {longest}."
        )
    return int(number)


def read_levels(value: object) -> tuple[float, ...]:
    """Levels of intervals in percent; none twice.

    Raises:
        RefusedError: If one is none or out of bounds, or they are too many; names the bounds.
    """
    if not isinstance(value, list | tuple) or len(value) > MOST_LEVELS:
        raise RefusedError(
            "invalid_levels", f"levels must be a list of up to {MOST_LEVELS} numbers."
        )
    for level in value:
        number = _number(level)
        if number is None:
            raise RefusedError(
                "invalid_levels",
                f"levels must be numbers, {LOWEST_LEVEL:g} to {HIGHEST_LEVEL:g} percent.",
            )
        try:
            check_level(number)
        except ValueError as error:
            raise RefusedError("invalid_levels", str(error)) from None
    return tuple(dict.fromkeys(value))


def _answer(answers: ForecastReader, instance: object, batch: Batch) -> dict[str, Any]:
    if not isinstance(instance, dict) or "isbn" not in instance:
        raise RefusedError("invalid_instance", 'An instance must be an object with an "isbn".')
    if others := instance.keys() - {"isbn", "horizon", "levels"}:
        raise RefusedError("invalid_instance", f"An instance has no {_quoted(others)}.")
    isbn = read_isbn(instance["isbn"])
    horizon = read_horizon(_given(instance, "horizon", batch.horizon), batch.max_horizon)
    levels = read_levels(_given(instance, "levels", batch.levels))
    return forecast(answers, isbn, horizon, levels)


def _given(content: Mapping[str, Any], name: str, default: Any) -> Any:
    """A value, where null counts as not given."""
    value = content.get(name)
    return default if value is None else value


def _refuse_others(content: Mapping[str, Any], known: set[str], whose: str) -> None:
    if others := content.keys() - known:
        raise RequestError(422, f"{whose} has no {_quoted(others)}.")


def _quoted(names: set[str]) -> str:
    """Names that were sent, cut to what fits into a message."""
    return ", ".join(f'"{name[:LONGEST_ISBN]}"' for name in sorted(names)[:5])


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _rounded(values: npt.NDArray[np.float64]) -> list[float]:
    rounded: list[float] = np.round(values, _DECIMALS).tolist()
    return rounded


@lru_cache(maxsize=1024)
def _iso_weeks(cutoff: np.datetime64) -> list[str]:
    """All weeks that a payload holds after a cutoff."""
    weeks = cutoff + np.timedelta64(7, "D") * np.arange(1, LONGEST_HORIZON + 1)
    iso: list[str] = np.datetime_as_string(weeks).tolist()
    return iso
