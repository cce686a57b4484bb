"""The train pipeline: specifications to fitted models."""

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node

from book_forecast.hooks.lineage import CURRENT
from book_forecast.pipelines.train import nodes
from book_forecast.pipelines.train.fits import COMPARED, RELEASED, SCORED, FitNodes

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
            *("champion", "params:models", "launch_priors"),
        ],
        "candidate",
        name="assemble_release",
        tags=CURRENT,
    )
    launches = node(
        nodes.describe_launches,
        ["model_input", "launch_weeks", "titles", "launches"],
        "launch_priors",
        name="describe_launches",
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
            launches,
            release,
            summary,
        ],
        namespace="train",
        prefix_datasets_with_namespace=False,
    )


def create_gate(written: Sequence[str]) -> Pipeline:
    """Return the check that fails a run, after everything else has been written.

    Args:
        written: Datasets to wait for.
    """
    inputs = ["fit_summary", "params:execution.min_success_rate", *written]
    return Pipeline([node(nodes.require_success, inputs, None, name=GATE, tags="gates")])


def _fits(
    name: str,
    fits: FitNodes,
    *,
    weeks: str,
    specifications: str = "specifications",
    calibration: str = "calibration",
    options: str = "params:models",
) -> Pipeline:
    """The fits of one purpose: the global model, what is known of launches, and every title."""
    shared = {"titles", "launches", "launch_weeks", "covariates", "checkpoints"}
    return Pipeline(
        [
            node(
                fits.fit_global_model,
                ["weeks", "titles", "covariates", "options", "checkpoints"],
                "global_forecasts",
                name="fit_global_model",
            ),
            node(
                fits.specify_launches,
                ["weeks", "launch_weeks", "titles", "launches", "specifications"],
                "title_specifications",
                name="specify_launches",
            ),
            node(
                fits.fit_titles,
                [
                    *("weeks", "title_specifications", "calibration", "global_forecasts"),
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
            **{dataset: dataset for dataset in shared},
        },
        outputs={
            "global_forecasts": f"{name}_global_forecasts",
            "title_specifications": f"{name}_title_specifications",
            "models": f"{name}_models",
        },
        parameters={"params:execution"},
    )
