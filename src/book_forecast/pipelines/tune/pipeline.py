"""The tune pipeline: training weeks to a specification a title."""

from kedro.pipeline import Pipeline, node

from book_forecast.pipelines.tune import nodes


def create_pipeline() -> Pipeline:
    """Wire the training weeks to specifications and trials."""
    return Pipeline(
        [
            node(
                nodes.tune_titles,
                {
                    "training_weeks": "training_weeks",
                    "options": "params:tune",
                    "split_size": "params:split_size",
                    "alive_weeks": "params:alive_weeks",
                    "seed": "params:seed",
                    "n_jobs": "params:n_jobs",
                    "shard": "params:shard",
                    "finished": "finished_titles",
                    "journals": "tuning_journals",
                },
                ["specifications", "trials"],
                name="tune_titles",
            ),
        ]
    )
