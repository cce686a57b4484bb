"""The train pipeline: specifications to fitted models."""

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node

from book_forecast.pipelines.train import boosting, nodes, release

GATE = "require_success"


def create_pipeline() -> Pipeline:
    """Wire the fits on the training weeks, to be scored, and on all weeks, to be released."""
    return create_fits() + create_gate(["training_models", "release_models", "candidate"])


def create_fits() -> Pipeline:
    """The fits without the gate."""
    return Pipeline(
        [
            node(
                boosting.boost_training_weeks,
                _boost_inputs("training_weeks"),
                "training_paths",
                name="boost_training_weeks",
            ),
            node(
                boosting.boost_all_weeks,
                _boost_inputs("model_input"),
                "release_paths",
                name="boost_all_weeks",
            ),
            node(
                nodes.fit_titles,
                _fit_inputs("training_weeks", "training_paths"),
                "training_models",
                name="fit_training_models",
            ),
            node(
                nodes.fit_release_titles,
                _fit_inputs("model_input", "release_paths"),
                ["release_models", "release_distributions"],
                name="fit_release_models",
            ),
            node(
                release.assemble_release,
                ["release_models", "release_distributions", "model_input", "titles"],
                "candidate",
                name="publish_release",
            ),
            node(
                nodes.summarise_fits,
                ["training_models", "release_models"],
                "fit_summary",
                name="summarise_fits",
            ),
        ]
    )


def create_gate(written: Sequence[str]) -> Pipeline:
    """The check that fails a run, after everything else has been written.

    Args:
        written: Datasets to wait for.
    """
    inputs = ["fit_summary", "params:min_success_rate", *written]
    return Pipeline([node(nodes.require_success, inputs, None, name=GATE)])


def _boost_inputs(weeks: str) -> dict[str, str]:
    return {
        "weeks": weeks,
        "titles": "titles",
        "options": "params:boosting",
        "families": "params:families",
        "calendar": "params:calendar",
        "seed": "params:seed",
        "regressors": "regressors",
        "regressor_options": "params:regressors",
    }


def _fit_inputs(weeks: str, paths: str) -> dict[str, str]:
    return {
        "weeks": weeks,
        "paths": paths,
        "ensembles": "ensembles",
        "calibration": "calibration",
        "families": "params:families",
        "calendar": "params:calendar",
        "regressors": "regressors",
        "regressor_options": "params:regressors",
        "specifications": "specifications",
        "alive_weeks": "params:alive_weeks",
        "n_jobs": "params:n_jobs",
        "shard": "params:shard",
        "finished": "finished_titles",
    }
