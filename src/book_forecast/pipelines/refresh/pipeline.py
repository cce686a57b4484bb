"""The refresh pipeline; the registry puts the other pipelines before its node."""

from kedro.pipeline import Pipeline, node

from book_forecast.hooks.optional_inputs import RECORDS
from book_forecast.pipelines.refresh import nodes


def create_pipeline() -> Pipeline:
    """Wire the report of what a refresh has done, and the notes for the next one."""
    return Pipeline(
        [
            node(
                nodes.report_refresh,
                ["retraining_summary", "promotion", "champion_now", "forecasts"],
                None,
                name="report_refresh",
                # With the gates after everything else, in their container.
                tags="gates",
            ),
            node(
                nodes.note_refused,
                [
                    *("former_refused_trainings", "retraining_plan", "title_trainings"),
                    *("promotion", "champion_now", "model_input"),
                ],
                "refused_trainings",
                name="note_refused",
                tags=["gates", RECORDS],
            ),
        ],
        namespace="refresh",
        prefix_datasets_with_namespace=False,
    )
