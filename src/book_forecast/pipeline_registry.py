"""The pipelines of the project by name."""

from importlib import import_module

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

from book_forecast.pipelines.decide import pipeline as decide
from book_forecast.pipelines.evaluate import pipeline as evaluate
from book_forecast.pipelines.forecast import pipeline as forecast
from book_forecast.pipelines.ingest import pipeline as ingest
from book_forecast.pipelines.monitor import pipeline as monitor
from book_forecast.pipelines.plan import pipeline as plan
from book_forecast.pipelines.preprocess import pipeline as preprocess
from book_forecast.pipelines.train import pipeline as train

LAST = ("forecast_history", "title_plots", "overview_plot", "explanation_plots", "stock_page")
"""Outputs of the nodes that run last; a gate that waits for these runs after all others."""
ORDER = ("ingest", "preprocess", "tune", "train", "evaluate", "forecast", "decide")


def register_pipelines() -> dict[str, Pipeline]:
    """Find the pipelines under `book_forecast.pipelines`.

    Returns:
        Every pipeline by name; `__default__`, the seven from export to advice on stock; `weekly`,
        from export to the champion's forecasts and that advice without a fit, with what monitor
        finds; and `refresh`, the same with the trainings that the plan asks for.
    """
    found = find_pipelines(raise_errors=True)
    if all(name in found for name in ORDER):
        found["__default__"] = _whole(found)
    if "weekly" in found:
        # Kedro may load this one alone.
        steps = (ingest, preprocess, forecast)
        advice = decide.create_pipeline(after_forecast=True)
        found["weekly"] += sum((step.create_pipeline() for step in steps), advice) + _monitor_last()
    if "refresh" in found:
        found["refresh"] = _refresh(found["refresh"])
    return found


def _refresh(report: Pipeline) -> Pipeline:
    """From export to forecasts with the trainings of a plan; the gates come last."""
    steps = (ingest, preprocess, monitor, plan)
    # Only a run that tunes imports what searches.
    tune = import_module("book_forecast.pipelines.tune.pipeline")
    anew = (tune, train, evaluate)
    return sum(
        [
            *(step.create_pipeline() for step in steps),
            *(step.create_planned_pipeline() for step in anew),
            forecast.create_pipeline(after_training=True),
            decide.create_pipeline(after_forecast=True),
            report,
            train.create_gate(LAST, "refresh_fit_summary"),
            evaluate.create_gate(LAST),
        ],
        Pipeline([]),
    )


def _monitor_last() -> Pipeline:
    """Monitor after the run's forecasts are recorded: what fails in it costs no forecast."""
    return Pipeline(monitor.create_pipeline(), inputs={"recorded_forecasts": "forecast_history"})


def _whole(found: dict[str, Pipeline]) -> Pipeline:
    """The seven pipelines as one, whose gates come last."""
    own = {
        **found,
        "forecast": forecast.create_pipeline(after_training=True),
        "decide": decide.create_pipeline(after_forecast=True),
    }
    ungated = sum((own[name] for name in ORDER), Pipeline([]))
    for name, gated in (("train", train), ("evaluate", evaluate)):
        ungated -= found[name].only_nodes(gated.GATE)
    return ungated + train.create_gate(LAST) + evaluate.create_gate(LAST)
