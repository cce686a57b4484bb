"""A test of two releases on the same weeks that may be looked at every week.

The unit is a week: the titles of one week share their surprises, so that they count as one. Two
releases that are equally good could change places. Then each week's difference is as likely as its
opposite, given all weeks before it, whatever its distribution and however titles depend on each
other. A bet against that multiplies a capital of 1 by `2 / (1 + exp(-2 t d))`, where `d` is the
difference and `t` was chosen before it is known. The factors of `d` and `-d` add up to 2, so that
the capital stays 1 on average, and by the inequality of Ville it ever reaches `1 / a` with a
probability of at most `a`: at any number of looks.

Such bets are e-processes: Ramdas, Grünwald, Vovk and Shafer (2023), "Game-theoretic statistics and
safe anytime-valid inference", Statistical Science 38(4); for symmetry Vovk and Wang (2024),
"Nonparametric e-tests of symmetry", New England Journal of Statistics in Data Science 2(2). Between
two normal distributions with the means `m` and `-m`, the factor with `t = m / variance` is the
likelihood ratio. No week counts more than twofold, so that no verdict rests on fewer than six.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Verdict = Literal["win", "lose", "go on"]

_PRIOR_WEEKS = 2.0
_PRIOR_EFFECT = 0.7
"""Mean over deviation of the differences that the first bets expect, and their weight in weeks."""
_LEAST_VARIANCE = 0.2
"""Share of the mean square; a run of like weeks does not make a bet certain."""


@dataclass(frozen=True)
class Evidence:
    """What the weeks say so far.

    Attributes:
        win: Evidence that the challenger is better after each week, at least 0; 1 is none.
        lose: The same that it is worse.
        needed: Evidence from which on there is a verdict.
    """

    win: FloatArray
    lose: FloatArray
    needed: float

    @property
    def verdict(self) -> Verdict:
        """What the first week with enough evidence decided; later weeks take nothing back."""
        return "go on" if self.decided is None else self._sides()[self.decided]

    @property
    def decided(self) -> int | None:
        """Position of the week that decided; None before there is a verdict."""
        return next((at for at, side in enumerate(self._sides()) if side != "go on"), None)

    def _sides(self) -> list[Verdict]:
        pairs = zip(self.win.tolist(), self.lose.tolist(), strict=True)
        return [
            "win" if win >= self.needed else "lose" if lose >= self.needed else "go on"
            for win, lose in pairs
        ]


def evidence(differences: FloatArray, scale: float, error: float) -> Evidence:
    """Return the evidence of a series of weeks.

    Args:
        differences: Error of the champion less that of the challenger, a value a week; a positive
            one speaks for the challenger. Each may be divided by what was known before its week.
        scale: Size that the first difference may have, known before it; positive.
        error: Probability that two equally good releases ever get a verdict.
    """
    return Evidence(_capital(differences, scale), _capital(-differences, scale), 2.0 / error)


def _capital(differences: FloatArray, scale: float) -> FloatArray:
    """Return the capital after each week of bets that the differences are positive."""
    past = np.arange(len(differences)) + _PRIOR_WEEKS
    sums = np.concatenate([[0.0], differences.cumsum()[:-1]])[: len(past)]
    squares = np.concatenate([[0.0], (differences**2).cumsum()[:-1]])[: len(past)]
    # Of the weeks before each one, and of those expected before the first.
    mean = np.maximum(_PRIOR_WEEKS * _PRIOR_EFFECT * scale + sums, 0.0) / past
    square = (_PRIOR_WEEKS * (1.0 + _PRIOR_EFFECT**2) * scale**2 + squares) / past
    bets = mean / np.maximum(square - mean**2, _LEAST_VARIANCE * square)
    factors = np.log(2.0) - np.logaddexp(0.0, -2.0 * bets * differences)
    capital: FloatArray = np.exp(np.minimum(factors.cumsum(), 700.0))
    return capital
