"""The decide pipeline: forecasts and stock -> advice on what to order."""

from kedro.pipeline import Pipeline, node

from book_forecast.pipelines.decide.nodes import advise_on_stock


def create_pipeline() -> Pipeline:
    """Wire the release of the last forecasts and the tables of stock to advice."""
    return Pipeline(
        [
            node(
                advise_on_stock,
                ["current_release", "stock_table", "params:decide", "params:forecast"],
                ["stock_advice", "rejected_stock"],
                name="advise_on_stock",
            ),
        ],
        namespace="decide",
        prefix_datasets_with_namespace=False,
    )
