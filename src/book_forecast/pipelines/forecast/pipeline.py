"""The forecast pipeline: released models to forecasts."""

from kedro.pipeline import Pipeline, node

from book_forecast.figure_inputs import FIGURES
from book_forecast.pipelines.forecast import figures, nodes


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
                figures.plot_titles,
                _figure_inputs() | {"max_title_plots": "params:max_title_plots"},
                "title_plots",
                name="plot_titles",
                tags=FIGURES,
            ),
            node(
                figures.plot_overview,
                _figure_inputs(),
                "overview_plot",
                name="plot_overview",
                tags=FIGURES,
            ),
        ]
    )


def _figure_inputs() -> dict[str, str]:
    return {
        "forecasts": "forecasts",
        "model_input": "model_input",
        "test_forecasts": "test_forecasts",
        "training_models": "training_models",
        "titles": "titles",
        "levels": "params:levels",
    }
