"""The forecast pipeline: released models to forecasts."""

from kedro.pipeline import Pipeline, node

from book_forecast.pipelines.forecast import nodes


def create_pipeline() -> Pipeline:
    """Wire the models fitted on all weeks to forecasts of the weeks after them."""
    return Pipeline(
        [
            node(
                nodes.forecast_titles,
                ["release_models", "params:horizon", "params:levels", "params:n_jobs"],
                "forecasts",
                name="forecast_titles",
            ),
        ]
    )
