"""Takes alerts in, and sends those that the parameters ask for."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from book_forecast.alerts.channels import Channel, channels_of
from book_forecast.alerts.events import Alert, Kind
from book_forecast.alerts.outbox import Outbox

logger = logging.getLogger(__name__)


def sender_of(environment: str | None) -> str:
    """Return the first line of a message."""
    return f"book_forecast, {environment or 'development'}"


class Alerts:
    """The outbox with its channels.

    Attributes:
        outbox: What waits.
        channels: Where it goes.
        sender: First line of a message.
    """

    def __init__(
        self,
        outbox: Outbox,
        environ: Mapping[str, str],
        *,
        immediate: Sequence[Kind],
        digest: Sequence[Kind],
        repeat_hours: float,
        mail_from: str | None,
        mail_to: Sequence[str],
        sender: str,
    ) -> None:
        """Take the parameters, as `AlertOptions.rules` has them; sender heads a message.

        Raises:
            UserError: If an address cannot be used.
        """
        self.outbox = outbox
        self.channels: list[Channel] = channels_of(environ, mail_from, mail_to)
        self._immediate, self._digest = tuple(immediate), tuple(digest)
        self._repeat_hours, self.sender = repeat_hours, sender

    def keep(self, alerts: Iterable[Alert]) -> None:
        """Let alerts wait for the next time that something is sent."""
        for alert in alerts:
            if alert.kind in (*self._immediate, *self._digest):
                self.outbox.add(alert, self._repeat_hours)

    def send(self, alerts: Iterable[Alert], digest_now: bool = False) -> list[str]:
        """Keep alerts and send what waits.

        Returns:
            The problems of channels; what they have not taken waits for the next time.
        """
        self.keep(alerts)
        if not self.channels:
            return []
        n_sent, problems = self.outbox.flush(
            self.channels, self._digest, self.sender, digest_now=digest_now
        )
        if n_sent:
            names = " and ".join(channel.name for channel in self.channels)
            logger.info("Sent %d alerts by %s", n_sent, names)
        for problem in problems:
            logger.warning("Alerts wait to be sent again with the next run: %s", problem)
        return problems
