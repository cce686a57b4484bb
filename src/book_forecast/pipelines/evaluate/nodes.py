"""The nodes of the evaluate pipeline."""

from book_forecast.pipelines.evaluate.known_weeks import (
    forecast_known_weeks,
    forecast_with_champion,
)
from book_forecast.pipelines.evaluate.report import report_families
from book_forecast.pipelines.evaluate.scores import (
    make_score_table,
    score_titles,
    summarise_scores,
)

__all__ = [
    "forecast_known_weeks",
    "forecast_with_champion",
    "make_score_table",
    "report_families",
    "score_titles",
    "summarise_scores",
]
