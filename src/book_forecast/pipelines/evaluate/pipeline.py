"""The evaluate pipeline: fitted models to scores beside the baselines', and a verdict."""

from collections.abc import Callable, Sequence

from kedro.pipeline import Node, Pipeline, node

from book_forecast import plots
from book_forecast.hooks.lineage import CURRENT
from book_forecast.hooks.optional_inputs import RECORDS
from book_forecast.payload.contents import Payload
from book_forecast.pipelines.evaluate import figures, nodes, planned

GATE = "require_promotion"
PLANNED = "refresh_"
"""Prefix of the tables of a run that follows a retraining plan."""


def create_pipeline() -> Pipeline:
    """Wire the models and the weeks they have not seen to scores, a verdict and figures."""
    return Pipeline(
        [create_scores(), create_promotion(), create_figures()],
        namespace="evaluate",
        prefix_datasets_with_namespace=False,
    ) + create_gate(["scored_candidate"])


def create_planned_pipeline() -> Pipeline:
    """Wire the scores of titles with another model, and the verdict on their release."""
    return Pipeline(
        [
            *_scoring("retuned_weeks", PLANNED),
            *_judging(planned.add_planned_scores, "refresh_verdict", PLANNED),
            node(
                planned.hold_back_promotion,
                ["refresh_verdict", "monitor_status"],
                "gate_verdict",
                name="hold_back_promotion",
            ),
            create_challenge_gate(),
        ],
        namespace="reevaluate",
        prefix_datasets_with_namespace=False,
    )


def create_scores() -> Pipeline:
    """Forecasts of known weeks, and their scores."""
    return Pipeline(
        [
            *_scoring("training_weeks"),
            node(nodes.tabulate_models, "scores", "model_scores", name="tabulate_models"),
            node(
                nodes.report_families,
                ["scores", "training_models", "titles"],
                "family_report",
                name="report_families",
            ),
            node(
                nodes.score_launches,
                [
                    *("model_input", "launch_weeks", "titles", "launches"),
                    "params:forecast.horizon",
                ],
                "launch_scores",
                name="score_launches",
            ),
        ]
    )


def create_promotion() -> Pipeline:
    """The candidate beside the champion, and the verdict."""
    return Pipeline([*_judging(nodes.add_scores, "gate_verdict"), create_challenge_gate()])


def _scoring(weeks: str, prefix: str = "") -> list[Node]:
    """The nodes from fitted models to measures.

    Args:
        weeks: Of the titles to score.
        prefix: Of the tables that each way of training has its own of.
    """
    return [
        node(
            nodes.forecast_known_weeks,
            [
                *(weeks, f"{prefix}training_models", f"{prefix}ensemble_backtest"),
                *("params:backtest", "params:forecast.levels", "params:execution", "checkpoints"),
            ],
            [f"{prefix}test_forecasts", f"{prefix}backtest_forecasts"],
            name="forecast_known_weeks",
            tags=[CURRENT, "heavy"],
        ),
        node(
            nodes.score_titles,
            [
                *(f"{prefix}test_forecasts", f"{prefix}backtest_forecasts"),
                *(f"{prefix}training_models", "model_input", "params:forecast.levels"),
            ],
            f"{prefix}scores",
            name="score_titles",
            tags=CURRENT,
        ),
        node(
            nodes.make_score_table,
            [
                *(f"{prefix}scores", f"{prefix}training_models", f"{prefix}release_models"),
                "titles",
            ],
            f"{prefix}score_table",
            name="make_score_table",
        ),
        node(
            nodes.summarise_scores,
            [f"{prefix}scores", f"{prefix}fit_summary"],
            f"{prefix}metrics",
            name="summarise_scores",
        ),
    ]


def _judging(add: Callable[..., Payload], verdict: str, prefix: str = "") -> list[Node]:
    """The nodes from measures to the verdict of the gates that look at test weeks.

    Args:
        add: Adds the scores to the candidate.
        verdict: The dataset of the verdict.
        prefix: Of the tables that each way of training has its own of.
    """
    return [
        node(
            nodes.forecast_with_champion,
            [
                *("champion", f"{prefix}champion_models", "params:backtest"),
                *("params:forecast.levels", "params:execution", "checkpoints"),
            ],
            "champion_test_forecasts",
            name="forecast_with_champion",
            tags=[CURRENT, "heavy"],
        ),
        node(
            add,
            [
                *("candidate", f"{prefix}score_table", f"{prefix}metrics"),
                *(f"{prefix}test_forecasts", f"{prefix}training_models"),
            ],
            "scored_candidate",
            name="add_scores",
            tags=CURRENT,
        ),
        node(
            nodes.judge_candidate,
            [
                *("scored_candidate", "champion", f"{prefix}test_forecasts"),
                *("champion_test_forecasts", f"{prefix}training_models", "model_input"),
                *("titles_left_out", "params:promote"),
            ],
            verdict,
            name="judge_candidate",
            tags=CURRENT,
        ),
    ]


def create_challenge_gate() -> Node:
    """Return the node that asks for a challenge that the candidate has won."""
    return node(
        nodes.require_win,
        ["gate_verdict", "arm_test", "params:promote"],
        "promotion",
        name="require_win",
        tags=RECORDS,
    )


def create_gate(written: Sequence[str]) -> Pipeline:
    """Return the check that fails a run whose candidate is refused, after everything is written.

    Args:
        written: Datasets to wait for.
    """
    inputs = ["promotion", "params:promote", *written]
    return Pipeline([node(nodes.require_promotion, inputs, None, name=GATE, tags="gates")])


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
                ["training_models", "model_input", "titles", "params:reporting.max_title_plots"],
                "residual_plots",
                name="plot_residuals",
            ),
            node(
                plots.tuning_figures,
                ["trials", "model_input", "titles", "params:reporting.max_title_plots"],
                "tuning_plots",
                name="plot_searches",
            ),
        ]
    )
