"""Parameters of the advice on stock."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from book_forecast.decisions.orders import HIGHEST_TARGET, OrderSize, Policy, Terms
from book_forecast.options.base import OptionGroup, Share
from book_forecast.payload.manifest import LONGEST_HORIZON

MOST_WEEKS = LONGEST_HORIZON // 2
"""Of a lead time, and of what an order serves."""


class StockTerms(OptionGroup):
    """The terms on which titles are ordered, where the table of stock does not say.

    Attributes:
        lead_weeks: Weeks until an order arrives; None where each title must say.
        review_weeks: Weeks until the next order can be made.
        order_for_weeks: Weeks that an order serves from its arrival on.
        order_size: With which probability it serves them: the target, or a half.
        order_multiple: Copies of a pack.
        smallest_order: In copies.
        policy: What decides: the service level or the expected margin.
        service_level: Probability with which the stock shall last.
        unit_cost: Of a copy that is bought.
        price: Of a copy that is sold.
        holding_cost: Of a copy in stock, a week.
        write_off: Share of its cost that a copy loses which is left over.
    """

    lead_weeks: int | None = Field(default=None, ge=0, le=MOST_WEEKS)
    review_weeks: int = Field(default=1, ge=1, le=MOST_WEEKS)
    order_for_weeks: int = Field(default=13, ge=1, le=MOST_WEEKS)
    order_size: OrderSize = "median"
    order_multiple: int = Field(default=1, ge=1)
    smallest_order: int = Field(default=1, ge=1)
    policy: Policy = "service_level"
    service_level: float = Field(default=0.95, ge=0.5, le=HIGHEST_TARGET)
    unit_cost: float | None = Field(default=None, gt=0)
    price: float | None = Field(default=None, gt=0)
    holding_cost: float = Field(default=0.0, ge=0)
    write_off: Share = 0.2


class DecideOptions(StockTerms):
    """The terms of all titles, and of product classes.

    Attributes:
        by_class: Terms by product class, in place of those of all titles.
    """

    by_class: dict[str, StockTerms] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _margin_has_prices(self) -> Self:
        every: dict[str, StockTerms] = {"all titles": self, **self.by_class}
        for name, own in every.items():
            unit_cost, price = own.unit_cost or self.unit_cost, own.price or self.price
            if unit_cost is not None and price is not None and price <= unit_cost:
                raise ValueError(f"{name}: price {price:g} does not exceed unit_cost {unit_cost:g}")
        return self

    def terms_of(self, product_class: str | None, own: dict[str, float]) -> Terms:
        """Return the terms of a title.

        Args:
            product_class: Its class; None without one.
            own: What the table of stock says of it, by name.

        Raises:
            ValueError: If something is missing; says what.
        """
        values = self.model_dump(exclude={"by_class"})
        if product_class in self.by_class:
            values |= self.by_class[product_class].model_dump(exclude_unset=True)
        values |= own
        if values["lead_weeks"] is None:
            raise ValueError(
                "no lead time: give lead_weeks here, or under decide in the parameters"
            )
        for name in ("lead_weeks", "order_multiple", "smallest_order"):
            values[name] = int(values[name])
        terms = Terms(**values)
        _ = terms.target
        return terms
