"""The forecast pipeline: released models to forecasts."""

from kedro.pipeline import Pipeline, node

from book_forecast import plots
from book_forecast.pipelines.forecast import nodes


def create_pipeline() -> Pipeline:
    """Wire the models fitted on all weeks to forecasts of the weeks after them, and to figures."""
    return Pipeline(
        [
            node(
                nodes.forecast_titles,
                ["release_models", "params:horizon", "params:levels", "params:n_jobs"],
                "forecasts",
                name="forecast_titles",
            ),
            node(
                plots.title_figures,
                _figure_inputs() | {"max_titles": "params:max_title_plots"},
                "title_plots",
                name="plot_titles",
            ),
            node(
                plots.overview_figure,
                _figure_inputs(),
                "overview_plot",
                name="plot_overview",
            ),
        ]
    )


def _figure_inputs() -> dict[str, str]:
    return {
        "model_input": "model_input",
        "test_forecasts": "test_forecasts",
        "forecasts": "forecasts",
        "models": "training_models",
        "titles": "titles",
        "levels": "params:levels",
    }
