"""The monitor pipeline: recorded forecasts and the newest delivery to a state and a report."""

from kedro.pipeline import Pipeline, node

from book_forecast.hooks.optional_inputs import RECORDS
from book_forecast.pipelines.monitor import nodes
from book_forecast.plots.monitoring import monitor_figure, monitor_page


def create_pipeline() -> Pipeline:
    """Wire recorded forecasts and sales to measures, shifted titles, checks, arms and a state."""
    return Pipeline(
        [
            node(
                nodes.score_recorded_forecasts,
                [
                    *("recorded_forecasts", "model_input", "release_weeks", "titles"),
                    "params:monitor",
                ],
                ["monitor_scores", "monitor_weeks", "damaged_records"],
                name="score_recorded_forecasts",
                tags=RECORDS,
            ),
            node(
                nodes.find_title_shifts,
                [
                    *("recorded_forecasts", "test_forecasts", "ensemble_backtest"),
                    *("training_models", "model_input", "release_weeks", "params:monitor"),
                ],
                "title_shifts",
                name="find_title_shifts",
                tags=RECORDS,
            ),
            node(
                nodes.check_newest_delivery,
                [
                    *("weekly_sales", "model_input", "weeks_left_out", "recorded_forecasts"),
                    *("params:selection", "params:monitor"),
                ],
                "delivery_checks",
                name="check_newest_delivery",
                tags=RECORDS,
            ),
            node(
                nodes.compare_arms,
                [
                    *("challenge", "recorded_forecasts", "challenger_forecasts"),
                    *("served_forecasts", "model_input", "release_weeks", "params:monitor"),
                ],
                ["arm_test", "arm_weeks", "arm_scores"],
                name="compare_arms",
                tags=RECORDS,
            ),
            node(
                nodes.summarise_monitoring,
                [
                    *("monitor_scores", "title_shifts", "delivery_checks", "arm_test"),
                    *("damaged_records", "params:monitor"),
                ],
                "monitor_status",
                name="summarise_monitoring",
            ),
            node(
                monitor_figure,
                "monitor_weeks",
                "monitor_plot",
                name="plot_monitoring",
            ),
            node(
                monitor_page,
                [
                    *("monitor_status", "monitor_scores", "title_shifts", "delivery_checks"),
                    *("arm_test", "arm_scores", "titles"),
                ],
                "monitor_report",
                name="report_monitoring",
                tags=RECORDS,
            ),
        ],
        namespace="monitor",
        prefix_datasets_with_namespace=False,
    )
