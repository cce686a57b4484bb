"""Reads a request and makes its predictions: the same over HTTP, on Vertex AI and as a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow.compute as pc

from book_forecast.bookscan.isbn_text import normalise_text
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.limits import HIGHEST_LEVEL, LOWEST_LEVEL, check_level
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.releases.challenges import CHAMPION_ARM, Arm
from book_forecast.serving.errors import RequestError
from book_forecast.serving.release.arms import Arms
from book_forecast.serving.release.current import ServedRelease
from book_forecast.serving.requests.running_sums import DECIMALS, sum_title

Note = Callable[[Arm, ServedRelease, str, int], None]
"""Takes the arm, release, ISBN and horizon of a forecast."""

JSON = "application/json"
DEFAULT_HORIZON = 32
DEFAULT_LEVELS: tuple[float, ...] = (80, 95)
MOST_LEVELS = 10
LONGEST_ISBN = 40
"""Characters of an ISBN in any spelling."""


class RefusedError(RequestError):
    """A part of a request that cannot be predicted.

    Attributes:
        code: For programs: `unknown_isbn`, `invalid_isbn`, `invalid_horizon`, `invalid_levels`,
            `invalid_cumulative` or `invalid_instance`.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(404 if code == "unknown_isbn" else 422, detail)
        self.code = code


@dataclass(frozen=True)
class Batch:
    """A request to predict.

    Attributes:
        instances: Titles asked for, not checked yet.
        horizon: Of instances without their own.
        levels: Of instances without their own.
        max_horizon: Longest horizon of an instance.
        cumulative: Whether instances without their own wish get running sums too.
    """

    instances: list[Any]
    horizon: int
    levels: tuple[float, ...]
    max_horizon: int
    cumulative: bool = False


def check_type(content_type: str | None) -> None:
    """Refuse a body of another type than JSON (415); a missing header means JSON.

    Raises:
        RequestError: If the header names another type.
    """
    if (content_type or JSON).partition(";")[0].strip().lower() != JSON:
        raise RequestError(415, f"The body must be of type {JSON}.")


def read_batch(body: bytes, max_instances: int, max_horizon: int = LONGEST_HORIZON) -> Batch:
    """Read the body of a request.

    Args:
        body: JSON as Vertex AI sends it, with `instances` and maybe `parameters`.
        max_instances: Instances of a request at most.
        max_horizon: Longest horizon in weeks.

    Raises:
        RequestError: If the body is not such a request (400, 422) or has too many instances (413).
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
    _refuse_others(parameters, {"horizon", "levels", "cumulative"}, '"parameters"')
    default = min(DEFAULT_HORIZON, max_horizon)
    horizon = read_horizon(_given(parameters, "horizon", default), max_horizon)
    levels = read_levels(_given(parameters, "levels", DEFAULT_LEVELS))
    cumulative = read_cumulative(_given(parameters, "cumulative", False))
    return Batch(instances, horizon, levels, max_horizon, cumulative)


def predictions(
    arms: Arms, batch: Batch, note: Note | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Predict a batch.

    Args:
        arms: The releases that answer.
        batch: As `read_batch` returns it.
        note: Called for each forecast; None for nothing.

    Yields:
        For each instance its outcome (`answered`, or the code of its error), and its prediction or
        error.
    """
    for instance in batch.instances:
        try:
            yield "answered", _predict(arms, instance, batch, note)
        except RefusedError as error:
            failure: dict[str, Any] = {
                "arm": CHAMPION_ARM,
                "release": arms.champion.release,
                "cutoff": arms.champion.reader.payload.manifest["cutoff"],
                "error": {"code": error.code, "message": error.detail},
            }
            isbn = instance.get("isbn") if isinstance(instance, dict) else None
            if isinstance(isbn, str | int) and len(str(isbn)) <= LONGEST_ISBN:
                failure = {"isbn": str(isbn), **failure}
            yield error.code, failure


def predict_title(
    reader: ForecastReader, isbn: str, horizon: int, levels: tuple[float, ...], arm: Arm
) -> dict[str, Any]:
    """Return the forecast of a title in copies a week, ready for JSON.

    Args:
        reader: Of the release.
        isbn: As `read_isbn` returns it.
        horizon: As `read_horizon` returns it.
        levels: As `read_levels` returns them.
        arm: Of the release.

    Raises:
        RefusedError: If the release does not have the title.
    """
    check_title(reader, isbn)
    forecast = reader.forecast(isbn, horizon, levels)
    day, weeks = _weeks_after(forecast.cutoff)
    return {
        "isbn": isbn,
        "arm": arm,
        "release": reader.payload.release,
        "cutoff": day,
        "model": forecast.model,
        "weeks": weeks[:horizon],
        "mean": _rounded(forecast.mean),
        "intervals": [
            {"level": level, "lower": _rounded(lower), "upper": _rounded(upper)}
            for level, (lower, upper) in forecast.bounds.items()
        ],
    }


def check_title(reader: ForecastReader, isbn: str) -> None:
    """Refuse a title that the release does not have.

    Raises:
        RefusedError: Names the title, the release and, if that is known, the reason.
    """
    if isbn in reader:
        return
    detail = f"{isbn} is not in release {reader.payload.release}"
    left_out = reader.payload.planning.get("left_out")
    if left_out is not None and (row := pc.index(left_out["isbn"], isbn).as_py()) >= 0:
        detail += f": {left_out['reason'][row].as_py()}"
    raise RefusedError("unknown_isbn", f"{detail.rstrip('.')}.")


def read_isbn(value: object) -> str:
    """Return an ISBN in any spelling as 13 digits.

    Raises:
        RefusedError: If it is not an ISBN.
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
    """Return a horizon in weeks.

    Raises:
        RefusedError: If it is not a whole number within the bounds, which it names.
    """
    number = _number(value)
    if number is None or not number.is_integer() or not 1 <= number <= longest:
        shown = "" if number is None else f" {value}:"
        raise RefusedError(
            "invalid_horizon", f"horizon{shown} must be a whole number of weeks, 1 to {longest}."
        )
    return int(number)


def read_levels(value: object) -> tuple[float, ...]:
    """Return interval levels in percent, each once.

    Raises:
        RefusedError: If there are too many, or one is not a number within the bounds, which it
            names.
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


def read_cumulative(value: object) -> bool:
    """Return whether running sums are asked for.

    Raises:
        RefusedError: If it is neither true nor false.
    """
    if not isinstance(value, bool):
        raise RefusedError("invalid_cumulative", "cumulative must be true or false.")
    return value


def _predict(arms: Arms, instance: object, batch: Batch, note: Note | None) -> dict[str, Any]:
    if not isinstance(instance, dict) or "isbn" not in instance:
        raise RefusedError("invalid_instance", 'An instance must be an object with an "isbn".')
    if others := instance.keys() - {"isbn", "horizon", "levels", "cumulative"}:
        raise RefusedError("invalid_instance", f"An instance has no {_quoted(others)}.")
    isbn = read_isbn(instance["isbn"])
    horizon = read_horizon(_given(instance, "horizon", batch.horizon), batch.max_horizon)
    levels = read_levels(_given(instance, "levels", batch.levels))
    cumulative = read_cumulative(_given(instance, "cumulative", batch.cumulative))
    arm, served = arms.of(isbn)
    found = predict_title(served.reader, isbn, horizon, levels, arm)
    if note is not None:
        note(arm, served, isbn, horizon)
    if cumulative:
        found["cumulative"] = sum_title(served.sums, isbn, horizon, levels)
    return found


def _given(content: Mapping[str, Any], name: str, default: Any) -> Any:
    """Return a value; null counts as not given."""
    value = content.get(name)
    return default if value is None else value


def _refuse_others(content: Mapping[str, Any], allowed: set[str], name: str) -> None:
    if others := content.keys() - allowed:
        raise RequestError(422, f"{name} has no {_quoted(others)}.")


def _quoted(names: set[str]) -> str:
    """Return names that a caller has sent, cut to fit into a message."""
    return ", ".join(f'"{name[:LONGEST_ISBN]}"' for name in sorted(names)[:5])


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _rounded(values: npt.NDArray[np.float64]) -> list[float]:
    rounded: list[float] = np.round(values, DECIMALS).tolist()
    return rounded


@lru_cache(maxsize=1024)
def _weeks_after(cutoff: np.datetime64) -> tuple[str, list[str]]:
    """Return a cutoff as text, and all weeks that a payload holds after it."""
    weeks = cutoff + np.timedelta64(7, "D") * np.arange(1, LONGEST_HORIZON + 1)
    iso: list[str] = np.datetime_as_string(weeks).tolist()
    return str(cutoff), iso
