"""The evaluate pipeline: fitted models to scores beside the baselines'."""

from kedro.pipeline import Pipeline, node

from book_forecast import plots
from book_forecast.pipelines.evaluate import comparison, figures, nodes, report


def create_pipeline() -> Pipeline:
    """Wire the models and the weeks they have not seen to scores, a table, metrics and figures."""
    return create_scores() + create_promotion() + create_figures()


def create_promotion() -> Pipeline:
    """The candidate held against the champion, and what comes of it."""
    return Pipeline(
        [
            node(
                comparison.forecast_with_champion,
                {
                    "training_weeks": "training_weeks",
                    "specifications": "specifications",
                    "ensembles": "ensembles",
                    "test_forecasts": "test_forecasts",
                    "fold_forecasts": "fold_forecasts",
                    "champion": "champion",
                    "options": "params:evaluate",
                    "split_size": "params:split_size",
                    "levels": "params:levels",
                    "alive_weeks": "params:alive_weeks",
                    "n_jobs": "params:n_jobs",
                    "shard": "params:shard",
                    "finished": "finished_titles",
                },
                ["champion_test_forecasts", "champion_backtest_forecasts"],
                name="forecast_with_champion",
            ),
            node(
                comparison.judge_release,
                {
                    "candidate": "candidate",
                    "champion": "champion",
                    "test_forecasts": "test_forecasts",
                    "backtest_forecasts": "backtest_forecasts",
                    "champion_test_forecasts": "champion_test_forecasts",
                    "champion_backtest_forecasts": "champion_backtest_forecasts",
                    "training_models": "training_models",
                    "model_input": "model_input",
                    "score_table": "score_table",
                    "metrics": "metrics",
                    "levels": "params:levels",
                    "options": "params:promote",
                },
                ["release_scores", "promotion"],
                name="promote_release",
            ),
        ]
    )


def create_figures() -> Pipeline:
    """The figures of errors, residuals and searches."""
    return Pipeline(
        [
            node(
                plots.scores_figure,
                ["scores", "training_models", "titles"],
                "scores_plot",
                name="plot_scores",
            ),
            node(
                figures.plot_leaderboard,
                ["leaderboard", "scores"],
                "leaderboard_plot",
                name="plot_leaderboard",
            ),
            node(
                figures.plot_residuals,
                ["training_models", "model_input", "titles", "params:max_title_plots"],
                "residual_plots",
                name="plot_residuals",
            ),
            node(
                plots.tuning_figures,
                ["trials", "model_input", "titles", "params:max_title_plots"],
                "tuning_plots",
                name="plot_searches",
            ),
        ]
    )


def create_scores() -> Pipeline:
    """Forecasts of known weeks, and their scores."""
    return Pipeline(
        [
            node(
                nodes.forecast_known_weeks,
                {
                    "training_weeks": "training_weeks",
                    "training_models": "training_models",
                    "ensemble_backtest": "ensemble_backtest",
                    "options": "params:evaluate",
                    "split_size": "params:split_size",
                    "levels": "params:levels",
                    "n_jobs": "params:n_jobs",
                    "shard": "params:shard",
                    "finished": "finished_titles",
                },
                ["test_forecasts", "backtest_forecasts"],
                name="forecast_known_weeks",
            ),
            node(
                nodes.score_titles,
                [
                    "test_forecasts",
                    "backtest_forecasts",
                    "training_models",
                    "model_input",
                    "params:levels",
                ],
                "scores",
                name="score_titles",
            ),
            node(
                nodes.make_score_table,
                ["scores", "training_models", "titles"],
                "score_table",
                name="make_score_table",
            ),
            node(
                nodes.summarise_scores,
                ["scores", "fit_summary"],
                "metrics",
                name="summarise_scores",
            ),
            node(
                report.report_families,
                ["scores", "training_models", "titles"],
                "family_report",
                name="report_families",
            ),
        ]
    )
