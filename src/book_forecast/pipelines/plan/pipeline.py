"""The plan pipeline: the champion, newer weeks and monitoring to a decision for each title."""

from kedro.pipeline import Pipeline, node

from book_forecast.hooks.optional_inputs import RECORDS
from book_forecast.pipelines.plan import nodes


def create_pipeline() -> Pipeline:
    """Wire what is known of trainings, forecasts and the delivery to the retraining plan."""
    return Pipeline(
        [
            node(
                nodes.describe_trainings,
                [
                    *("champion", "model_input", "training_weeks", "covariates"),
                    *("params:models", "params:backtest", "former_family_choice"),
                ],
                "title_trainings",
                name="describe_trainings",
                tags=RECORDS,
            ),
            node(
                nodes.find_degradation,
                ["recorded_forecasts", "model_input", "title_trainings", "params:monitor"],
                "title_degradation",
                name="find_degradation",
                tags=RECORDS,
            ),
            node(
                nodes.plan_retraining,
                [
                    *("title_trainings", "title_degradation", "title_shifts"),
                    *("monitor_status", "former_refused_trainings", "champion_pinned"),
                    "params:retrain",
                ],
                ["retraining_plan", "retraining_summary"],
                name="plan_retraining",
            ),
        ],
        namespace="plan",
        prefix_datasets_with_namespace=False,
    )
