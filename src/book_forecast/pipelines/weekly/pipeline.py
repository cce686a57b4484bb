"""The weekly pipeline; the registry puts ingest, preprocess and forecast before its nodes."""

from kedro.pipeline import Pipeline, node

from book_forecast.pipelines.weekly import nodes


def create_pipeline() -> Pipeline:
    """Wire the check of the week's forecasts."""
    return Pipeline(
        [
            node(
                nodes.warn_of_old_sales,
                ["forecasts", "params:selection"],
                None,
                name="warn_of_old_sales",
            )
        ],
        namespace="weekly",
        prefix_datasets_with_namespace=False,
    )
