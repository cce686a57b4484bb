"""The tune pipeline: training weeks to a specification and an ensemble a title."""

from kedro.pipeline import Pipeline, node

from book_forecast.pipelines.tune import boosting, families, nodes, weighing


def create_pipeline() -> Pipeline:
    """Wire the training weeks to specifications, and both to ensembles."""
    return create_search() + create_ensembles()


def create_search() -> Pipeline:
    """The search for SARIMA's orders."""
    return Pipeline(
        [
            node(
                nodes.tune_titles,
                {
                    "training_weeks": "training_weeks",
                    "options": "params:tune",
                    "split_size": "params:split_size",
                    "alive_weeks": "params:alive_weeks",
                    "seed": "params:seed",
                    "n_jobs": "params:n_jobs",
                    "shard": "params:shard",
                    "families": "params:families",
                    "finished": "finished_titles",
                    "journals": "tuning_journals",
                },
                ["specifications", "trials"],
                name="tune_titles",
            ),
        ]
    )


def create_ensembles() -> Pipeline:
    """What all families say of weeks that are known, and what that makes them worth."""
    return Pipeline(
        [
            node(
                boosting.boost_folds,
                {
                    "training_weeks": "training_weeks",
                    "titles": "titles",
                    "options": "params:boosting",
                    "folds": "params:tune",
                    "split_size": "params:split_size",
                    "families": "params:families",
                    "calendar": "params:calendar",
                    "seed": "params:seed",
                    "regressors": "regressors",
                    "regressor_options": "params:regressors",
                },
                "fold_paths",
                name="boost_folds",
            ),
            node(
                families.forecast_folds,
                {
                    "training_weeks": "training_weeks",
                    "specifications": "specifications",
                    "fold_paths": "fold_paths",
                    "regressors": "regressors",
                    "regressor_options": "params:regressors",
                    "families": "params:families",
                    "calendar": "params:calendar",
                    "options": "params:tune",
                    "split_size": "params:split_size",
                    "n_jobs": "params:n_jobs",
                    "shard": "params:shard",
                    "finished": "finished_titles",
                },
                ["fold_forecasts", "seasons"],
                name="forecast_folds",
            ),
            node(
                weighing.weigh_families,
                {
                    "fold_forecasts": "fold_forecasts",
                    "seasons": "seasons",
                    "training_weeks": "training_weeks",
                    "titles": "titles",
                    "families": "params:families",
                    "levels": "params:levels",
                },
                ["ensembles", "calibration", "ensemble_backtest", "leaderboard"],
                name="weigh_families",
            ),
        ]
    )
