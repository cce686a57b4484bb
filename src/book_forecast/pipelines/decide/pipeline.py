"""The decide pipeline: forecasts and stock -> advice on what to order."""

from kedro.pipeline import Pipeline, node

from book_forecast.hooks.optional_inputs import FIGURES
from book_forecast.pipelines.decide.nodes import advise_on_stock
from book_forecast.pipelines.decide.report import report_stock


def create_pipeline(*, after_forecast: bool = False) -> Pipeline:
    """Wire the release of the last forecasts and the tables of stock to advice.

    Args:
        after_forecast: Whether the run makes the forecasts. They are written first then: a table
            of stock that cannot be read costs no forecast.
    """
    awaited = ["forecasts"] if after_forecast else []
    return Pipeline(
        [
            node(
                advise_on_stock,
                ["current_release", "stock_table", "params:decide", "params:forecast", *awaited],
                ["stock_advice", "rejected_stock"],
                name="advise_on_stock",
            ),
            node(
                report_stock,
                ["stock_advice", "rejected_stock", "titles", "title_plots"],
                "stock_page",
                name="report_stock",
                tags=FIGURES,
            ),
        ],
        namespace="decide",
        prefix_datasets_with_namespace=False,
    )
