"""The pipelines of the project by name."""

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

ORDER = ("ingest", "preprocess", "tune", "train", "evaluate", "forecast")


def register_pipelines() -> dict[str, Pipeline]:
    """Find the pipelines under `book_forecast.pipelines`.

    Returns:
        Every pipeline by name, and `__default__`: the six from export to forecasts.
    """
    found = find_pipelines(raise_errors=True)
    found["__default__"] = sum((found[name] for name in ORDER if name in found), Pipeline([]))
    return found
