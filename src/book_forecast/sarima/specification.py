"""The specification of a seasonal ARIMA model: orders, trend, names of the parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Trend = Literal["n", "c"]

ORDERS = ("p", "d", "q", "P", "D", "Q")
MAX_DIFFERENCES = 2
MAX_SEASONAL_DIFFERENCES = 1


@dataclass(frozen=True, slots=True)
class Specification:
    """A seasonal ARIMA model (p, d, q)(P, D, Q)s of Box and Jenkins.

    Attributes:
        p: Autoregressive order.
        d: Number of differences.
        q: Moving-average order.
        P: Seasonal autoregressive order.
        D: Number of seasonal differences.
        Q: Seasonal moving-average order.
        s: Weeks in a season; 1 for a model without one.
        trend: "c" for a mean, which a differenced model cannot have; "n" for none.

    Raises:
        ValueError: If an order is negative, too large, or seasonal without a season.
    """

    p: int
    d: int
    q: int
    P: int = 0
    D: int = 0
    Q: int = 0
    s: int = 1
    trend: Trend = "n"

    def __post_init__(self) -> None:
        if min(self.p, self.d, self.q, self.P, self.D, self.Q) < 0:
            raise ValueError(f"Orders must not be negative: {self}.")
        if self.s < 1:
            raise ValueError(f"A season has at least one week: {self}.")
        if self.s == 1 and (self.P or self.D or self.Q):
            raise ValueError(f"Seasonal orders need a season of at least two weeks: {self}.")
        if self.d > MAX_DIFFERENCES or self.D > MAX_SEASONAL_DIFFERENCES:
            raise ValueError(
                f"At most {MAX_DIFFERENCES} differences and {MAX_SEASONAL_DIFFERENCES} seasonal "
                f"difference are supported: {self}."
            )
        if self.trend not in ("n", "c"):
            raise ValueError(f"trend must be 'n' or 'c', not {self.trend!r}.")
        if self.trend == "c" and self.lost_weeks:
            raise ValueError(f"A constant vanishes when the series is differenced: {self}.")

    @property
    def lost_weeks(self) -> int:
        """Number of weeks lost to differencing at the start of the series."""
        return self.d + self.D * self.s

    @property
    def arma_orders(self) -> tuple[int, int, int, int]:
        """(p, q, P, Q): lengths of the blocks of coefficients, in their order."""
        return self.p, self.q, self.P, self.Q

    @property
    def n_arma(self) -> int:
        """Number of autoregressive and moving-average coefficients."""
        return sum(self.arma_orders)

    @property
    def longest_lag(self) -> int:
        """The longest lag of the autoregressive or the moving-average part."""
        return max(self.p + self.P * self.s, self.q + self.Q * self.s)

    @property
    def without_trend(self) -> Specification:
        """The same orders for a series without its mean."""
        return replace(self, trend="n")

    @property
    def order(self) -> tuple[int, int, int]:
        """(p, d, q), as statsmodels takes it."""
        return self.p, self.d, self.q

    @property
    def seasonal_order(self) -> tuple[int, int, int, int]:
        """(P, D, Q, s), as statsmodels takes it; s = 0 where there is no season."""
        return self.P, self.D, self.Q, self.s if self.s > 1 else 0

    @property
    def arma_names(self) -> list[str]:
        """Names of the coefficients in statsmodels' order and spelling."""
        return [
            *(f"ar.L{i}" for i in range(1, self.p + 1)),
            *(f"ma.L{i}" for i in range(1, self.q + 1)),
            *(f"ar.S.L{i * self.s}" for i in range(1, self.P + 1)),
            *(f"ma.S.L{i * self.s}" for i in range(1, self.Q + 1)),
        ]

    def __str__(self) -> str:
        name = f"({self.p},{self.d},{self.q})"
        if self.s > 1:
            name += f"({self.P},{self.D},{self.Q}){self.s}"
        return name + (" + c" if self.trend == "c" else "")
