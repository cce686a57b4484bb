"""The OpenAPI document: what FastAPI knows, and what the settings decide."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from book_forecast.serving.predict import (
    DEFAULT_HORIZON,
    DEFAULT_LEVELS,
    JSON,
    LONGEST_ISBN,
    MOST_LEVELS,
)
from book_forecast.serving.settings import Settings


def describe(app: FastAPI, settings: Settings, open_paths: frozenset[str]) -> None:
    """Let an application describe itself as it is.

    Args:
        app: Whose document it is.
        settings: Whether there is a token.
        open_paths: What may be asked without.
    """

    def document() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            if settings.token is not None:
                _demand_token(app.openapi_schema, open_paths)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def predict_body(settings: Settings) -> dict[str, Any]:
    """What `/predict` reads.

    FastAPI does not check it: an instance that is wrong is an error in its place, so that anything
    may stand there.
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
                "properties": {"horizon": horizon, "levels": levels},
                "description": "Of all instances that have none of their own.",
            },
        },
    }
    example = {
        "instances": [{"isbn": "9780722532935"}, {"isbn": "9780241003008", "horizon": 8}],
        "parameters": {"horizon": 32, "levels": [80, 95]},
    }
    content = {JSON: {"schema": request, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def _demand_token(document: dict[str, Any], open_paths: frozenset[str]) -> None:
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    refusal = {"description": "The bearer token is missing or wrong.", "content": {JSON: problem}}
    for path, operations in document["paths"].items():
        if path not in open_paths:
            for operation in operations.values():
                operation["security"] = [{"token": []}]
                operation["responses"]["401"] = refusal
