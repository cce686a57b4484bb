"""The tune pipeline: training weeks to a specification for each title."""

from kedro.pipeline import Pipeline, node

from book_forecast.hooks.optional_inputs import RECORDS
from book_forecast.pipelines.tune import carried, nodes, planned


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


def create_planned_pipeline() -> Pipeline:
    """Wire a tuning of the titles that the retraining plan names; it carries what others have."""
    return Pipeline(
        [
            node(
                planned.take_retuned,
                ["training_weeks", "retraining_plan"],
                "retuned_weeks",
                name="take_retuned",
            ),
            node(
                planned.stratify_planned,
                [
                    *("training_weeks", "titles", "params:selection.titles", "params:models"),
                    "retraining_plan",
                ],
                "refresh_strata",
                name="stratify_planned",
            ),
            node(
                planned.place_origins,
                ["training_weeks", "params:backtest", "former_fold_forecasts", "retraining_plan"],
                "fold_grid",
                name="place_origins",
                tags=RECORDS,
            ),
            node(
                planned.extend_global_folds,
                [
                    *("training_weeks", "titles", "covariates", "params:models", "fold_grid"),
                    *("checkpoints", "former_fold_global_forecasts", "retraining_plan"),
                ],
                "fold_global_forecasts",
                name="extend_global_folds",
                tags=RECORDS,
            ),
            node(
                nodes.choose_families,
                [
                    *("training_weeks", "refresh_strata", "fold_global_forecasts", "covariates"),
                    *("params:models", "params:backtest", "params:execution.n_jobs", "checkpoints"),
                ],
                "refresh_family_choice",
                name="choose_families",
            ),
            node(
                carried.carry_families,
                [
                    *("refresh_family_choice", "former_family_choice", "refresh_strata"),
                    "retraining_plan",
                ],
                "family_choice",
                name="carry_families",
                tags=RECORDS,
            ),
            node(
                nodes.search_orders,
                [
                    *("retuned_weeks", "family_choice", "params:models", "params:backtest"),
                    *("params:execution", "checkpoints"),
                ],
                ["refresh_orders", "refresh_trials"],
                name="search_orders",
                tags="heavy",
            ),
            node(
                planned.forecast_planned_folds,
                [
                    *("retuned_weeks", "refresh_orders", "fold_global_forecasts", "covariates"),
                    *("params:models", "fold_grid", "params:execution", "checkpoints"),
                ],
                ["refresh_folds", "refresh_seasons"],
                name="forecast_planned_folds",
                tags="heavy",
            ),
            node(
                carried.merge_tuning,
                [
                    *("refresh_folds", "refresh_seasons", "refresh_orders"),
                    *("former_fold_forecasts", "former_seasons", "former_sarima_orders"),
                    *("training_weeks", "retraining_plan"),
                ],
                ["fold_forecasts", "seasons", "sarima_orders"],
                name="merge_tuning",
                tags=RECORDS,
            ),
            node(
                planned.weigh_planned,
                [
                    *("fold_forecasts", "seasons", "sarima_orders", "training_weeks", "titles"),
                    *("params:models", "params:forecast.levels", "retraining_plan"),
                ],
                [
                    *("refresh_specifications", "refresh_calibration"),
                    *("refresh_ensemble_backtest", "refresh_leaderboard"),
                ],
                name="weigh_planned",
            ),
            node(
                carried.merge_specifications,
                [
                    *("refresh_specifications", "refresh_calibration", "champion"),
                    "retraining_plan",
                ],
                ["planned_specifications", "planned_calibration"],
                name="merge_specifications",
            ),
        ],
        namespace="retune",
        prefix_datasets_with_namespace=False,
    )
