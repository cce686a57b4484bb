"""The nodes of the evaluate pipeline."""

from book_forecast.pipelines.evaluate.known_weeks import (
    forecast_known_weeks,
    forecast_with_champion,
)
from book_forecast.pipelines.evaluate.launches import score_launches
from book_forecast.pipelines.evaluate.promotion import (
    add_scores,
    judge_candidate,
    require_promotion,
    require_win,
)
from book_forecast.pipelines.evaluate.report import report_families
from book_forecast.pipelines.evaluate.scores import (
    make_score_table,
    score_titles,
    summarise_scores,
    tabulate_models,
)

__all__ = [
    "add_scores",
    "forecast_known_weeks",
    "forecast_with_champion",
    "judge_candidate",
    "make_score_table",
    "report_families",
    "require_promotion",
    "require_win",
    "score_launches",
    "score_titles",
    "summarise_scores",
    "tabulate_models",
]
