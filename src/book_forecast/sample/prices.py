"""Recommended prices, promotions and average selling prices."""

import numpy as np

from book_forecast.sample.character import Pricing
from book_forecast.sample.effects import WEEKS_PER_YEAR
from book_forecast.sample.weeks import SampleWeeks
from book_forecast.series.history import FloatArray

# Share of promotions that belong to the Christmas trade.
CHRISTMAS_PROMOTIONS = 0.35
MAX_DEPTH = 0.55
MAX_RISES = 4


def recommended(weeks: SampleWeeks, pricing: Pricing, rng: np.random.Generator) -> FloatArray:
    """Recommended price per week, pounds: constant with occasional rises."""
    number = rng.poisson(pricing.rises * len(weeks) / WEEKS_PER_YEAR)
    when = rng.integers(1, len(weeks), size=number)
    rises = np.bincount(when, minlength=len(weeks))
    risen = pricing.step * np.minimum(np.cumsum(rises), MAX_RISES)
    return np.asarray(np.round(pricing.rrp + risen, 2), dtype=np.float64)


def promotion_depth(weeks: SampleWeeks, pricing: Pricing, rng: np.random.Generator) -> FloatArray:
    """Share off the usual price in each week, 0 outside promotions."""
    depth = np.zeros(len(weeks))
    for _ in range(rng.poisson(pricing.promotions * len(weeks) / WEEKS_PER_YEAR)):
        christmas = rng.random() < CHRISTMAS_PROMOTIONS
        start = rng.choice(weeks.christmas_shopping) if christmas else rng.integers(len(weeks))
        length = rng.integers(3, 9)
        share = min(pricing.depth * rng.lognormal(0.0, 0.15), MAX_DEPTH)
        depth[start : start + length] = share
    return depth


def promotion_lift(depth: FloatArray, elasticity: float) -> FloatArray:
    """Multiplier of the copies sold at a price ``depth`` below the usual one."""
    return np.asarray((1.0 - depth) ** -elasticity, dtype=np.float64)


def average_selling(
    rrp: FloatArray,
    depth: FloatArray,
    copies: FloatArray,
    discount: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Average price paid per week, pounds and pence, never above the recommended one.

    It varies more with fewer copies.
    """
    spread = 0.008 + 0.05 / np.sqrt(np.maximum(copies, 1.0))
    share = (1.0 - discount) * (1.0 - depth) * (1.0 + spread * rng.standard_normal(len(rrp)))
    return np.asarray(np.round(rrp * np.clip(share, 0.2, 1.0), 2), dtype=np.float64)
