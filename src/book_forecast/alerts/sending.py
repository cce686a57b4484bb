"""Takes alerts in, and sends those that the parameters ask for."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from book_forecast.alerts.channels import Channel, ChannelError, channels_of
from book_forecast.alerts.events import Alert, Kind
from book_forecast.alerts.outbox import Outbox
from book_forecast.storage.redaction import without_secrets

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
            The problems of channels. What they have not taken waits for the next time, unless
            the outbox cannot be used.
        """
        found = list(alerts)
        if not self.channels:
            self.keep(found)
            return []
        try:
            self.keep(found)
            n_sent, problems = self.outbox.flush(
                self.channels, self._digest, self.sender, digest_now=digest_now
            )
        except Exception as error:  # noqa: BLE001
            # A full disk, or a bucket that is away, is what people must hear of.
            logger.warning("The outbox of alerts cannot be used (%s)", without_secrets(str(error)))
            return self._send_at_once([one for one in found if one.kind in self._immediate])
        if n_sent:
            names = " and ".join(channel.name for channel in self.channels)
            logger.info("Sent %d alerts by %s", n_sent, names)
        for problem in problems:
            logger.warning("Alerts wait to be sent again with the next run: %s", problem)
        return problems

    def _send_at_once(self, alerts: Sequence[Alert]) -> list[str]:
        """Send alerts that no outbox can hold, in one message; return the problems of channels."""
        problems = []
        for channel in self.channels if alerts else ():
            try:
                channel.send(alerts, self.sender)
            except ChannelError as error:
                problems.append(f"{channel.name}: {error}")
        for problem in problems:
            logger.warning("%d alerts are lost: %s", len(alerts), problem)
        return problems
