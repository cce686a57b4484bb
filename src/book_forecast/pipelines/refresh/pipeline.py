"""The refresh pipeline; the registry puts the other pipelines before its node."""

from kedro.pipeline import Pipeline, node

from book_forecast.pipelines.refresh import nodes


def create_pipeline() -> Pipeline:
    """Wire the report of what a refresh has done."""
    return Pipeline(
        [
            node(
                nodes.report_refresh,
                ["retraining_summary", "promotion", "forecasts"],
                None,
                name="report_refresh",
                # With the gates after everything else, in their container.
                tags="gates",
            )
        ],
        namespace="refresh",
        prefix_datasets_with_namespace=False,
    )
