"""The OpenAPI document: what FastAPI derives, and what depends on the settings."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from book_forecast.serving.requests.predict import (
    DEFAULT_HORIZON,
    DEFAULT_LEVELS,
    JSON,
    LONGEST_ISBN,
    MOST_LEVELS,
)
from book_forecast.serving.settings import ServiceSettings


def describe(app: FastAPI, settings: ServiceSettings, open_paths: frozenset[str]) -> None:
    """Name the token in an application's document, if the settings have one.

    Args:
        app: The application; all its routes are there.
        settings: Of the service.
        open_paths: Paths that need no token.
    """

    def document() -> dict[str, Any]:
        is_first = app.openapi_schema is None
        content = FastAPI.openapi(app)
        if is_first and settings.token is not None:
            _demand_token(content, open_paths)
        return content

    app.openapi = document  # type: ignore[method-assign]


def predict_body(settings: ServiceSettings) -> dict[str, Any]:
    """Return the schema of the body of `/predict`.

    FastAPI does not check it: an invalid instance is no invalid request, but gets an error in the
    response, in the position of its prediction.
    """
    horizon = {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": settings.max_horizon,
        "description": f"Weeks ahead; {min(DEFAULT_HORIZON, settings.max_horizon)} if not given.",
    }
    levels = {
        "type": ["array", "null"],
        "items": {"type": "number", "minimum": 1, "maximum": 99},
        "maxItems": MOST_LEVELS,
        "description": f"Intervals in percent; {list(DEFAULT_LEVELS)} if not given.",
    }
    cumulative = {
        "type": ["boolean", "null"],
        "description": "Whether the prediction has `cumulative` too: the sums of the first week, "
        "the first two weeks and so on, with intervals of the joint distribution. `false` if not "
        "given.",
    }
    instance = {
        "title": "Instance",
        "type": "object",
        "required": ["isbn"],
        "additionalProperties": False,
        "properties": {
            "isbn": {
                "type": ["string", "integer"],
                "maxLength": LONGEST_ISBN,
                "description": "ISBN-13 or ISBN-10, with or without hyphens.",
            },
            "horizon": horizon,
            "levels": levels,
            "cumulative": cumulative,
        },
    }
    anything = {"title": "Anything else", "description": "Answered by an error in its place."}
    request = {
        "title": "Request",
        "type": "object",
        "required": ["instances"],
        "additionalProperties": False,
        "properties": {
            "instances": {
                "type": "array",
                "maxItems": settings.max_instances,
                "items": {"anyOf": [instance, anything]},
            },
            "parameters": {
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {
                    "horizon": horizon,
                    "levels": levels,
                    "cumulative": cumulative,
                },
                "description": "Of all instances that have none of their own.",
            },
        },
    }
    example = {
        "instances": [{"isbn": "9780722532935"}, {"isbn": "9780241003008", "horizon": 8}],
        "parameters": {"horizon": 32, "levels": [80, 95], "cumulative": True},
    }
    content = {JSON: {"schema": request, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def _demand_token(document: dict[str, Any], open_paths: frozenset[str]) -> None:
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    problem = {"schema": {"$ref": "#/components/schemas/ErrorDetail"}}
    refusal = {"description": "The bearer token is missing or wrong.", "content": {JSON: problem}}
    for path, operations in document["paths"].items():
        if path not in open_paths:
            for operation in operations.values():
                operation["security"] = [{"token": []}]
                operation["responses"]["401"] = refusal
