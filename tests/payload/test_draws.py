"""Normal scores become copies."""

import numpy as np

from book_forecast.payload.draws import SCORES, copies_of


def test_copies_are_interpolated_between_the_quantiles():
    generator = np.random.default_rng(0)
    quantiles = np.sort(generator.gamma(0.5, 10.0, (len(SCORES), 6)), axis=0)
    quantiles[:5, 2] = 0.0
    ends = np.concatenate([SCORES, [-9.0, 9.0], np.nextafter(SCORES, 9), np.nextafter(SCORES, -9)])
    scores = np.stack([np.concatenate([ends, generator.normal(0, 2, 2000)])] * 6)
    # In single precision, of copies up to some hundreds.
    expected = [np.interp(scores[week], SCORES, quantiles[:, week]) for week in range(6)]
    np.testing.assert_allclose(copies_of(scores, quantiles), expected, rtol=1e-4, atol=1e-5)
