"""Where alerts go: a webhook that takes Slack's messages, and mail over SMTP.

Addresses hold secrets, so environment variables have them, and no message or error shows them.
"""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

import requests

from book_forecast.alerts.events import Alert
from book_forecast.storage.errors import UserError

WEBHOOK, SMTP = "BOOK_FORECAST_ALERT_WEBHOOK", "BOOK_FORECAST_ALERT_SMTP"
SECONDS = 10.0
"""Until a server must answer."""
_ATTEMPTS, _PAUSE = 3, 0.5
_BUSY = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = 300
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Slack's mark-up; an alert's text must not mention or link.
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class ChannelError(Exception):
    """A message could not be sent; the text has no secrets."""


class Channel(Protocol):
    """A way to send alerts."""

    @property
    def name(self) -> str:
        """For logs, and for the record of what was sent."""

    def send(self, alerts: Sequence[Alert], sender: str) -> None:
        """Send alerts in one message.

        Raises:
            ChannelError: If it is not accepted.
        """


@dataclass(frozen=True, repr=False)
class Webhook:
    """A webhook that takes `{"text": …}`, as Slack's, Mattermost's and others do.

    Attributes:
        url: Of the webhook; a secret.
    """

    url: str
    name: str = "webhook"

    def send(self, alerts: Sequence[Alert], sender: str) -> None:
        """See `Channel.send`."""
        lines = [f"*{alert.heading}*: {alert.text}".translate(_SLACK) for alert in alerts]
        text = "\n".join([f"*{sender.translate(_SLACK)}*", *lines])
        problem = ""
        # Not by the library's own retries: their warnings have the path, which is the secret.
        for attempt in range(_ATTEMPTS):
            time.sleep(_PAUSE * attempt)
            try:
                answer = requests.post(
                    self.url, json={"text": text}, timeout=SECONDS, allow_redirects=False
                )
            except requests.RequestException as error:
                problem = f"does not answer ({type(error).__name__})"
                continue
            if answer.status_code < _REDIRECTS:
                return
            problem = f"answers {answer.status_code}"
            if answer.status_code not in _BUSY:
                break
        raise ChannelError(f"the webhook {problem}")


@dataclass(frozen=True, repr=False)
class Mail:
    """Mail over SMTP.

    Attributes:
        server: `smtps://user:password@host:port`, or `smtp://` for a server that offers STARTTLS;
            a secret.
        sender: Address of the sender.
        recipients: Addresses.
    """

    server: SplitResult
    sender: str
    recipients: tuple[str, ...]
    name: str = "mail"

    def send(self, alerts: Sequence[Alert], sender: str) -> None:
        """See `Channel.send`."""
        message = EmailMessage()
        first = alerts[0].heading
        more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
        message["Subject"] = f"{sender}: {first}{more}"
        message["From"], message["To"] = self.sender, ", ".join(self.recipients)
        message.set_content("\n\n".join(f"{alert.heading}\n{alert.text}" for alert in alerts))
        last = ""
        for _ in range(_ATTEMPTS):
            try:
                self._deliver(message)
            except (OSError, smtplib.SMTPException) as error:
                last = type(error).__name__
            else:
                return
        raise ChannelError(f"the mail server does not take the message ({last})")

    def _deliver(self, message: EmailMessage) -> None:
        host, context = self.server.hostname or "", ssl.create_default_context()
        if self.server.scheme == "smtps":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                host, self.server.port or 465, timeout=SECONDS, context=context
            )
        else:
            client = smtplib.SMTP(host, self.server.port or 587, timeout=SECONDS)
        with client:
            if self.server.scheme == "smtp" and host not in _LOOPBACK:
                client.starttls(context=context)
            if self.server.username:
                client.login(unquote(self.server.username), unquote(self.server.password or ""))
            client.send_message(message)


def is_set_up(environ: Mapping[str, str]) -> bool:
    """Return whether the environment has the address of a channel."""
    return any(environ.get(name) for name in (WEBHOOK, SMTP))


def channels_of(
    environ: Mapping[str, str], mail_from: str | None, mail_to: Sequence[str]
) -> list[Channel]:
    """Return the channels that are set up; none where nothing is.

    Args:
        environ: Environment variables.
        mail_from: Address of the sender of mail.
        mail_to: Addresses that mail goes to.

    Raises:
        UserError: If an address cannot be used; names the variable, not its value.
    """
    found: list[Channel] = []
    if url := environ.get(WEBHOOK):
        parts = _parts(WEBHOOK, url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise UserError(f"{WEBHOOK} must begin with https://.")
        found.append(Webhook(url))
    if url := environ.get(SMTP):
        parts = _parts(SMTP, url)
        if parts.scheme not in ("smtp", "smtps"):
            raise UserError(f"{SMTP} must begin with smtps:// or smtp://.")
        if mail_from is None or not mail_to:
            raise UserError(f"{SMTP} is set: set alerts.mail_from and alerts.mail_to too.")
        found.append(Mail(parts, mail_from, tuple(mail_to)))
    return found


def _parts(variable: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if not parts.hostname:
        raise UserError(f"{variable} is no address of a server.")
    return parts
