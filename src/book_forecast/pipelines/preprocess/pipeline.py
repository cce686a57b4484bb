"""The preprocess pipeline: the weeks, the titles, the split."""

from kedro.pipeline import Pipeline, node

from book_forecast.pipelines.preprocess import nodes


def create_pipeline() -> Pipeline:
    """Wire weekly sales to the model input, its two parts, the calendar and the regressors."""
    return Pipeline(
        [
            node(
                nodes.read_regressors,
                ["promotion_plan", "regressor_table"],
                ["promotion_plan_rows", "regressor_table_rows"],
                name="read_regressors",
            ),
            node(
                nodes.limit_weeks,
                ["weekly_sales", "params:start_date", "params:cutoff_date"],
                "sales_in_use",
                name="limit_weeks",
            ),
            node(
                nodes.find_missing_weeks,
                ["sales_in_use", "params:split_size", "params:missing_weeks"],
                "unreported_weeks",
                name="find_missing_weeks",
            ),
            node(
                nodes.select_titles,
                {
                    "sales": "sales_in_use",
                    "missing": "unreported_weeks",
                    "titles_table": "titles",
                    "titles": "params:titles",
                    "max_titles": "params:max_titles",
                    "min_weeks": "params:min_weeks",
                    "alive_weeks": "params:alive_weeks",
                    "split_size": "params:split_size",
                },
                ["selected_titles", "titles_left_out"],
                name="select_titles",
            ),
            node(
                nodes.build_model_input,
                ["sales_in_use", "unreported_weeks", "selected_titles", "params:split_size"],
                "model_input",
                name="build_model_input",
            ),
            node(
                nodes.split_weeks,
                ["model_input", "params:split_size"],
                ["training_weeks", "test_weeks"],
                name="split_weeks",
            ),
            node(nodes.make_calendar, "model_input", "calendar", name="make_calendar"),
            node(
                nodes.build_regressors,
                [
                    *("model_input", "promotion_plan_rows", "regressor_table_rows"),
                    "params:regressors",
                ],
                ["regressors", "rejected_regressors"],
                name="build_regressors",
            ),
        ]
    )
