"""The forecast pipeline: a release to forecasts."""

from kedro.pipeline import Pipeline, node
from kedro.pipeline.node import Node

from book_forecast.hooks.optional_inputs import FIGURES, NEWER_WEEKS
from book_forecast.pipelines.forecast import (
    challenger,
    effects,
    explanations,
    figures,
    nodes,
    overrides,
    planning,
)


def create_pipeline(*, after_training: bool = False) -> Pipeline:
    """Wire a release to forecasts of the weeks after its last one, and to figures.

    Args:
        after_training: Whether the run has trained a candidate, which forecasts where the champion
            has not been asked to change.
    """
    return Pipeline(
        [
            _own_choice() if after_training else _choice(),
            node(
                nodes.roll_forward,
                [
                    *("chosen_release", "model_input", "release_weeks", "covariates"),
                    *("params:selection", "params:execution", "checkpoints", "titles"),
                ],
                "current_release",
                name="roll_forward",
                tags=NEWER_WEEKS,
            ),
            node(
                nodes.forecast_titles,
                [
                    *("current_release", "former_forecasts", "params:forecast"),
                    "params:selection",
                ],
                "forecasts",
                name="forecast_titles",
            ),
            node(
                nodes.sum_forecasts,
                ["current_release", "params:forecast", "params:selection"],
                "totals",
                name="sum_forecasts",
            ),
            node(
                nodes.record_forecasts,
                "forecasts",
                "forecast_history",
                name="record_forecasts",
            ),
            node(
                challenger.roll_challenger,
                [
                    *("challenger", "model_input", "release_weeks", "covariates"),
                    *("params:selection", "params:execution", "checkpoints", "titles"),
                ],
                "rolled_challenger",
                name="roll_challenger",
                tags=NEWER_WEEKS,
            ),
            node(
                challenger.record_challenger,
                ["rolled_challenger", "params:forecast", "params:selection"],
                "challenger_history",
                name="record_challenger",
            ),
            node(
                explanations.explain_forecasts,
                [
                    *("current_release", "params:selection", "params:forecast.horizon"),
                    *("params:execution", "checkpoints"),
                ],
                "explanations",
                name="explain_forecasts",
            ),
            node(
                planning.describe_titles,
                [
                    *("current_release", "explanations", "titles", "model_input", "covariates"),
                    "titles_left_out",
                ],
                "described_release",
                name="describe_titles",
                tags=FIGURES,
            ),
            node(
                effects.measure_effects,
                ["described_release", "covariates", "params:execution", "checkpoints"],
                "planned_release",
                name="measure_effects",
                tags=FIGURES,
            ),
            node(
                overrides.score_overrides,
                ["current_release", "overrides"],
                "override_scores",
                name="score_overrides",
                tags=FIGURES,
            ),
            node(
                figures.plot_titles,
                _figure_inputs() | {"max_title_plots": "params:reporting.max_title_plots"},
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
            node(
                figures.plot_explanations,
                {
                    "explanations": "explanations",
                    "forecasts": "forecasts",
                    "model_input": "model_input",
                    "titles": "titles",
                    "levels": "params:forecast.levels",
                    "max_title_plots": "params:reporting.max_title_plots",
                },
                "explanation_plots",
                name="plot_explanations",
                tags=FIGURES,
            ),
        ],
        namespace="forecast",
        prefix_datasets_with_namespace=False,
    )


def _choice() -> Node:
    return node(
        nodes.choose_release,
        ["release", "promotion"],
        "chosen_release",
        name="choose_release",
        tags=NEWER_WEEKS,
    )


def _own_choice() -> Node:
    return node(
        nodes.choose_own,
        ["release", "promotion", "scored_candidate", "params:selection", "params:release"],
        "chosen_release",
        name="choose_release",
    )


def _figure_inputs() -> dict[str, str]:
    return {
        "forecasts": "forecasts",
        "model_input": "model_input",
        "test_forecasts": "test_forecasts",
        "training_models": "training_models",
        "titles": "titles",
        "levels": "params:forecast.levels",
    }
