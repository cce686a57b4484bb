"""The tune pipeline: training weeks to a specification for each title."""

from kedro.pipeline import Pipeline, node

from book_forecast.pipelines.tune import nodes


def create_pipeline() -> Pipeline:
    """Wire the training weeks to SARIMA orders, out-of-fold forecasts and specifications."""
    return Pipeline(
        [
            node(
                nodes.stratify_titles,
                ["training_weeks", "titles", "params:selection.titles", "params:models"],
                "title_strata",
                name="stratify_titles",
            ),
            node(
                nodes.fit_global_model,
                [
                    *("training_weeks", "titles", "covariates", "params:models"),
                    *("params:backtest", "checkpoints"),
                ],
                "fold_global_forecasts",
                name="fit_global_model",
            ),
            node(
                nodes.choose_families,
                [
                    *("training_weeks", "title_strata", "fold_global_forecasts", "covariates"),
                    *("params:models", "params:backtest", "params:execution.n_jobs", "checkpoints"),
                ],
                "family_choice",
                name="choose_families",
            ),
            node(
                nodes.search_orders,
                [
                    *("training_weeks", "family_choice", "params:models", "params:backtest"),
                    *("params:execution", "checkpoints"),
                ],
                ["sarima_orders", "trials"],
                name="search_orders",
                tags="heavy",
            ),
            node(
                nodes.forecast_folds,
                [
                    *("training_weeks", "sarima_orders", "fold_global_forecasts", "covariates"),
                    *("params:models", "params:backtest", "params:execution", "checkpoints"),
                ],
                ["fold_forecasts", "seasons"],
                name="forecast_folds",
                tags="heavy",
            ),
            node(
                nodes.weigh_families,
                [
                    *("fold_forecasts", "seasons", "sarima_orders", "training_weeks", "titles"),
                    *("params:models", "params:forecast.levels"),
                ],
                ["specifications", "calibration", "ensemble_backtest", "leaderboard"],
                name="weigh_families",
            ),
        ],
        namespace="tune",
        prefix_datasets_with_namespace=False,
    )
