"""The train pipeline: specifications to fitted models."""

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node
from kedro.pipeline.node import Node

from book_forecast.hooks.lineage import CURRENT
from book_forecast.pipelines.train import nodes
from book_forecast.pipelines.train.fits import (
    COMPARED,
    COMPARED_ANEW,
    RELEASED,
    RELEASED_ANEW,
    SCORED,
    SCORED_ANEW,
    FitNodes,
)

GATE = "require_success"


def create_pipeline() -> Pipeline:
    """Wire the fits: to be scored, to be released, and of the champion on the same weeks."""
    return create_fits() + create_gate(["training_models", "release_models", "candidate"])


def create_fits() -> Pipeline:
    """Return the fits without the gate."""
    release = node(
        nodes.assemble_release,
        [
            *("release_models", "model_input", "titles", "specifications", "calibration"),
            *("champion", "params:models", "training_notes"),
        ],
        "candidate",
        name="assemble_release",
        tags=CURRENT,
    )
    summary = node(
        nodes.summarise_fits,
        ["training_models", "release_models"],
        "fit_summary",
        name="summarise_fits",
    )
    champion = node(
        nodes.recall_champion,
        "champion",
        ["champion_specifications", "champion_calibration", "champion_options"],
        name="recall_champion",
    )
    return Pipeline(
        [
            _fits("training", SCORED, weeks="training_weeks"),
            _fits("release", RELEASED, weeks="model_input"),
            champion,
            _fits(
                "champion",
                COMPARED,
                weeks="training_weeks",
                specifications="champion_specifications",
                calibration="champion_calibration",
                options="champion_options",
            ),
            *_descriptions("ensemble_backtest"),
            release,
            summary,
        ],
        namespace="train",
        prefix_datasets_with_namespace=False,
    )


def create_planned_pipeline() -> Pipeline:
    """Wire the fits that the retraining plan asks for to a release of the champion's other titles.

    Titles with another model are scored and compared; those that are merely fitted again are not.
    """
    planned = {
        "specifications": "planned_specifications",
        "calibration": "planned_calibration",
        "plan": "retraining_plan",
    }
    of_champion = {
        "specifications": "champion_specifications",
        "calibration": "champion_calibration",
        "options": "champion_options",
        "plan": "retraining_plan",
    }
    scored = {"weeks": "training_weeks", "fitted_weeks": "retuned_weeks"}
    released = {"weeks": "model_input", "fitted_weeks": "refreshed_input"}
    return Pipeline(
        [
            node(
                nodes.take_refreshed,
                ["model_input", "retraining_plan"],
                "refreshed_input",
                name="take_refreshed",
            ),
            _fits("training", SCORED_ANEW, "refresh_", **planned, **scored),
            _fits("release", RELEASED_ANEW, "refresh_", **planned, **released),
            node(
                nodes.recall_champion,
                ["champion", "retraining_plan"],
                ["champion_specifications", "champion_calibration", "champion_options"],
                name="recall_champion",
            ),
            _fits("champion", COMPARED_ANEW, "refresh_", **of_champion, **scored),
            *_descriptions("refresh_ensemble_backtest"),
            node(
                nodes.assemble_planned,
                [
                    *("refresh_release_models", "model_input", "titles"),
                    *("planned_specifications", "planned_calibration", "champion"),
                    *("retraining_plan", "training_notes"),
                ],
                "candidate",
                name="assemble_planned",
                tags=CURRENT,
            ),
            node(
                nodes.summarise_fits,
                ["refresh_training_models", "refresh_release_models"],
                "refresh_fit_summary",
                name="summarise_fits",
            ),
        ],
        namespace="retrain",
        prefix_datasets_with_namespace=False,
    )


def _descriptions(backtest: str) -> list[Node]:
    """The nodes that describe launches and the training for those who read the release later.

    Args:
        backtest: The forecasts at the tuning's rolling origins.
    """
    return [
        node(
            nodes.describe_launches,
            ["model_input", "launch_weeks", "titles", "launches"],
            "launch_priors",
            name="describe_launches",
        ),
        node(
            nodes.describe_training,
            [
                *("launch_priors", "model_input", "covariates", backtest),
                *("params:models", "params:backtest"),
            ],
            "training_notes",
            name="describe_training",
        ),
    ]


def create_gate(written: Sequence[str], summary: str = "fit_summary") -> Pipeline:
    """Return the check that fails a run, after everything else has been written.

    Args:
        written: Datasets to wait for.
        summary: The counts of titles and fallbacks.
    """
    inputs = [summary, "params:execution.min_success_rate", *written]
    return Pipeline([node(nodes.require_success, inputs, None, name=GATE, tags="gates")])


def _fits(
    name: str,
    fits: FitNodes,
    prefix: str = "",
    *,
    weeks: str,
    fitted_weeks: str | None = None,
    specifications: str = "specifications",
    calibration: str = "calibration",
    options: str = "params:models",
    plan: str | None = None,
) -> Pipeline:
    """The fits of one purpose: the global model, what is known of launches, and every title.

    Args:
        name: The purpose.
        fits: The nodes.
        prefix: Of the outputs.
        weeks: Those of all titles, for the models of all titles.
        fitted_weeks: Those of the titles to fit, if these are fewer.
        specifications: Of the titles.
        calibration: Of the ensembles.
        options: Of the models.
        plan: The retraining plan; None without one.
    """
    shared = {"titles", "launches", "launch_weeks", "covariates", "checkpoints"}
    follows = [] if plan is None else ["plan"]
    fitted = "weeks" if fitted_weeks is None else "fitted_weeks"
    return Pipeline(
        [
            node(
                fits.fit_global_model,
                ["weeks", "titles", "covariates", "options", "checkpoints", *follows],
                "global_forecasts",
                name="fit_global_model",
            ),
            node(
                fits.specify_launches,
                ["weeks", "launch_weeks", "titles", "launches", "specifications", *follows],
                "title_specifications",
                name="specify_launches",
            ),
            node(
                fits.fit_titles,
                [
                    *(fitted, "title_specifications", "calibration", "global_forecasts"),
                    *("covariates", "options", "params:execution", "checkpoints"),
                ],
                "models",
                name="fit_titles",
                tags="heavy",
            ),
        ],
        namespace=name,
        inputs={
            "weeks": weeks,
            "specifications": specifications,
            "calibration": calibration,
            "options": options,
            **({} if plan is None else {"plan": plan}),
            **({} if fitted_weeks is None else {"fitted_weeks": fitted_weeks}),
            **{dataset: dataset for dataset in shared},
        },
        outputs={
            "global_forecasts": f"{prefix}{name}_global_forecasts",
            "title_specifications": f"{prefix}{name}_title_specifications",
            "models": f"{prefix}{name}_models",
        },
        parameters={"params:execution"},
    )
