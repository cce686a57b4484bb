"""Schemas of the tables of the preprocess pipeline; the catalog validates each before it saves."""

import numpy as np
import pandera.pandas as pa

from book_forecast.bookscan.schemas import ARE_SATURDAYS
from book_forecast.series.calendar import CALENDAR_COVARIATES


def _week(*, nullable: bool = False, unique: bool = False) -> pa.Column:
    return pa.Column("datetime64[us]", ARE_SATURDAYS, nullable=nullable, unique=unique)


def _number(at_least: float, at_most: float | None = None, *, nullable: bool = False) -> pa.Column:
    checks = [pa.Check.ge(at_least)]
    if at_most is not None:
        checks.append(pa.Check.le(at_most))
    return pa.Column(float, checks, nullable=nullable)


MODEL_INPUT = pa.DataFrameSchema(
    {
        "isbn": pa.Column("str"),
        "week": _week(),
        "volume": _number(0, nullable=True),
        "promotion": _number(0, 1),
        "asp": _number(0, nullable=True),
        "rrp": _number(0, nullable=True),
    },
    unique=["isbn", "week"],
    strict=True,
    name="model_input",
)
"""Also the schema of its two parts, training_weeks and test_weeks."""

TITLES_LEFT_OUT = pa.DataFrameSchema(
    {
        "isbn": pa.Column("str", unique=True),
        "title": pa.Column("str", nullable=True),
        "reason": pa.Column("str", pa.Check.str_length(min_value=1)),
        "first_sale": _week(nullable=True),
        "last_sale": _week(nullable=True),
        "weeks": pa.Column(int, pa.Check.ge(0)),
        "recent_volume": _number(0),
        "alive": pa.Column(bool),
    },
    strict=True,
    name="titles_left_out",
)

WEEKS_LEFT_OUT = pa.DataFrameSchema(
    {
        "week": _week(unique=True),
        "copies": _number(0),
        "ratio": _number(0),
        "lowest": pa.Column(float),
        "highest": pa.Column(float),
        "cutoff": _week(),
    },
    strict=True,
    name="weeks_left_out",
)

CALENDAR = pa.DataFrameSchema(
    {"week": _week(unique=True)} | {name: _number(0) for name in CALENDAR_COVARIATES},
    strict=True,
    name="calendar",
)

COVARIATES = pa.DataFrameSchema(
    {
        "isbn": pa.Column("str"),
        "week": _week(),
        "name": pa.Column("str", pa.Check.str_length(min_value=1)),
        "value": pa.Column(float, pa.Check(np.isfinite, name="finite")),
    },
    unique=["isbn", "week", "name"],
    strict=True,
    name="covariates",
)

REJECTED_COVARIATES = pa.DataFrameSchema(
    {
        "file": pa.Column("str", pa.Check.str_length(min_value=1)),
        "row": pa.Column("int64", pa.Check.ge(2)),
        "column": pa.Column("str"),
        "value": pa.Column("str"),
        "reason": pa.Column("str", pa.Check.str_length(min_value=1)),
    },
    strict=True,
    ordered=True,
    name="rejected_covariates",
)
