"""Figures of the results: functions of frames that return Plotly figures."""

from book_forecast.plots.choice import largest_titles
from book_forecast.plots.explanation import explanation_figure
from book_forecast.plots.galleries import (
    explanation_figures,
    residual_figures,
    title_figures,
    tuning_figures,
)
from book_forecast.plots.leaderboard import leaderboard_figure
from book_forecast.plots.overview import overview_figure
from book_forecast.plots.residuals import residual_figure
from book_forecast.plots.scores import scores_figure
from book_forecast.plots.style import names_by_isbn
from book_forecast.plots.title import title_figure
from book_forecast.plots.tuning import tuning_figure

__all__ = [
    "explanation_figure",
    "explanation_figures",
    "largest_titles",
    "leaderboard_figure",
    "names_by_isbn",
    "overview_figure",
    "residual_figure",
    "residual_figures",
    "scores_figure",
    "title_figure",
    "title_figures",
    "tuning_figure",
    "tuning_figures",
]
