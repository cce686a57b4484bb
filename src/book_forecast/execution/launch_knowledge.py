"""Knowledge of launches, which several nodes of a run need of the same weeks."""

from __future__ import annotations

from collections import OrderedDict

import pandas as pd

from book_forecast.execution.fingerprints import fingerprint
from book_forecast.forecasters.launches.frames import TitleFacts, learn_from_frames
from book_forecast.forecasters.launches.knowledge import LaunchKnowledge

# A run learns from the training weeks and from all weeks.
_MOST = 2
_learned: OrderedDict[str, tuple[LaunchKnowledge, TitleFacts]] = OrderedDict()


def learn_once(
    weeks: pd.DataFrame,
    launch_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    launches: pd.DataFrame | None,
) -> tuple[LaunchKnowledge, TitleFacts]:
    """Learn from the launches of a panel; see `learn_from_frames`.

    This process remembers the latest results, by the content of the frames.
    """
    used = weeks[["isbn", "week", "volume"]]
    key = fingerprint(used, launch_weeks, titles, launches)
    if key not in _learned:
        _learned[key] = learn_from_frames(weeks, launch_weeks, titles, launches)
    _learned.move_to_end(key)
    while len(_learned) > _MOST:
        _learned.popitem(last=False)
    return _learned[key]
