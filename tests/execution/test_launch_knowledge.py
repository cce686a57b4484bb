"""Nodes that learn from the same launches share the result."""

import numpy as np
import pandas as pd

from book_forecast.execution.launch_knowledge import learn_once
from book_forecast.forecasters.launches.frames import learn_from_frames
from tests.histories import volumes, weeks_frame

PAST = [f"97811111111{n:02}" for n in range(6)]
TITLES = pd.DataFrame({"isbn": PAST, "product_class": "F"}).astype("str")
LAUNCH_WEEKS = weeks_frame({isbn: volumes(n, 60) for n, isbn in enumerate(PAST)})
WEEKS = weeks_frame({"9780000000000": volumes(9, 120)})


def test_the_same_frames_are_learned_from_once_and_others_anew():
    first = learn_once(WEEKS, LAUNCH_WEEKS, TITLES, None)
    assert learn_once(WEEKS.copy(), LAUNCH_WEEKS.copy(), TITLES.copy(), None) is first
    changed = LAUNCH_WEEKS.assign(volume=LAUNCH_WEEKS["volume"] * 3.0)
    other = learn_once(WEEKS, changed, TITLES, None)
    assert other is not first
    expected, facts = learn_from_frames(WEEKS, changed, TITLES, None)
    assert other[1] == facts
    np.testing.assert_array_equal(other[0].curves.of_all, expected.curves.of_all)
    np.testing.assert_array_equal(other[0].errors, expected.errors)


def test_only_the_latest_results_are_remembered():
    first = learn_once(WEEKS, LAUNCH_WEEKS, TITLES, None)
    for factor in (2.0, 3.0):
        learn_once(WEEKS.assign(volume=WEEKS["volume"] * factor), LAUNCH_WEEKS, TITLES, None)
    assert learn_once(WEEKS, LAUNCH_WEEKS, TITLES, None) is not first
