"""The preprocess pipeline: the weeks, the titles, the split."""

from kedro.pipeline import Pipeline, node

from book_forecast.hooks.optional_inputs import RECORDS
from book_forecast.pipelines.preprocess import nodes


def create_pipeline() -> Pipeline:
    """Wire weekly sales to the model input, its two parts, the calendar and the covariates."""
    return Pipeline(
        [
            node(
                nodes.read_covariates,
                ["promotion_plan", "covariate_table"],
                ["promotion_plan_rows", "covariate_table_rows"],
                name="read_covariates",
            ),
            node(
                nodes.limit_weeks,
                ["weekly_sales", "params:selection"],
                "limited_sales",
                name="limit_weeks",
            ),
            node(
                nodes.leave_out_impossible_weeks,
                ["limited_sales", "recorded_bounds", "params:monitor"],
                ["sales_in_use", "weeks_left_out"],
                name="leave_out_impossible_weeks",
                tags=RECORDS,
            ),
            node(
                nodes.find_missing_weeks,
                [
                    *("sales_in_use", "params:selection", "params:backtest.split_size"),
                    "weeks_left_out",
                ],
                "unreported_weeks",
                name="find_missing_weeks",
            ),
            node(
                nodes.select_titles,
                {
                    "sales": "sales_in_use",
                    "missing": "unreported_weeks",
                    "titles_table": "titles",
                    "launches": "launches",
                    "selection": "params:selection",
                    "alive_weeks": "params:models.alive_weeks",
                    "split_size": "params:backtest.split_size",
                },
                ["selected_titles", "titles_left_out"],
                name="select_titles",
            ),
            node(
                nodes.build_model_input,
                [
                    "sales_in_use",
                    "unreported_weeks",
                    "selected_titles",
                    "params:backtest.split_size",
                ],
                "model_input",
                name="build_model_input",
            ),
            node(
                nodes.build_launch_weeks,
                ["sales_in_use", "unreported_weeks", "params:backtest.split_size"],
                "launch_weeks",
                name="build_launch_weeks",
            ),
            node(
                nodes.build_release_weeks,
                [
                    *("sales_in_use", "unreported_weeks", "selected_titles", "release"),
                    "params:backtest.split_size",
                ],
                "release_weeks",
                name="build_release_weeks",
            ),
            node(
                nodes.split_weeks,
                ["model_input", "params:backtest.split_size", "selected_titles"],
                ["training_weeks", "test_weeks"],
                name="split_weeks",
            ),
            node(nodes.make_calendar, "model_input", "calendar", name="make_calendar"),
            node(
                nodes.build_covariates,
                [
                    *("model_input", "release_weeks", "promotion_plan_rows"),
                    *("covariate_table_rows", "params:models"),
                ],
                ["covariates", "rejected_covariates"],
                name="build_covariates",
            ),
        ],
        namespace="preprocess",
        prefix_datasets_with_namespace=False,
    )
