"""Alerts of changes in the promotion log."""

from __future__ import annotations

from book_forecast.alerts.events import Alert
from book_forecast.releases.promotion_log import Promotion


def promotion_alert(promotion: Promotion) -> Alert:
    """Return the alert of an entry in the promotion log."""
    before = f" in place of {promotion.before}" if promotion.before else ""
    return Alert(
        kind="rollback" if promotion.action == "rollback" else "promotion",
        subject=f"{promotion.number} {promotion.release}",
        text=(
            f"{promotion.release} is champion{before} ({promotion.action} by {promotion.who}): "
            f"{promotion.why}"
        ),
    )
