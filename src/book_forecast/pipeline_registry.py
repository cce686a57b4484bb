"""The pipelines of the project by name."""

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

from book_forecast.pipelines.train.pipeline import GATE, create_gate

ORDER = ("ingest", "preprocess", "tune", "train", "evaluate", "forecast")


def register_pipelines() -> dict[str, Pipeline]:
    """Find the pipelines under `book_forecast.pipelines`.

    Returns:
        Every pipeline by name, and `__default__`: the six from export to forecasts.
    """
    found = find_pipelines(raise_errors=True)
    if all(name in found for name in ORDER):
        found["__default__"] = _whole(found)
    return found


def _whole(found: dict[str, Pipeline]) -> Pipeline:
    """The six pipelines as one, whose gate waits for everything that is written."""
    ungated = sum((found[name] for name in ORDER), Pipeline([])) - found["train"].only_nodes(GATE)
    # Without the distributions of fits that are only scored: they stay in memory, and the gate
    # would join all steps between them on ZenML.
    in_memory = {"training_distributions", "champion_distributions"}
    written = sorted(ungated.outputs() - {"fit_summary"} - in_memory)
    return ungated + create_gate(written)
