"""Where alerts go: a webhook that takes Slack's messages, and mail over SMTP.

Addresses hold secrets, so environment variables have them, and no message or error shows them.
"""

from __future__ import annotations

import logging
import re
import smtplib
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

import requests

from book_forecast.alerts.events import Alert
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

WEBHOOK, SMTP = "BOOK_FORECAST_ALERT_WEBHOOK", "BOOK_FORECAST_ALERT_SMTP"
SECONDS = 10.0
"""Until a server must answer a request."""
_LONGEST = 30.0
"""Seconds for one attempt as a whole: a server may send a byte now and then."""
_ATTEMPTS, _PAUSE = 3, 0.5
_BUSY = frozenset({429, 500, 502, 503, 504})
_REDIRECTS, _FINAL = 300, 500
T = TypeVar("T")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Slack's mark-up; an alert's text must not mention or link.
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Others than Slack take these without mark-up.
_MENTION = re.compile(r"@(?=(?:channel|here|all|everyone)\b)", re.IGNORECASE)
_NO_MENTION = "@\N{ZERO WIDTH SPACE}"


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
        texts = [_MENTION.sub(_NO_MENTION, alert.text) for alert in alerts]
        lines = [
            f"*{alert.heading}*: {text}".translate(_SLACK)
            for alert, text in zip(alerts, texts, strict=True)
        ]
        text = "\n".join([f"*{sender.translate(_SLACK)}*", *lines])
        problem = ""
        # Not by the library's own retries: their warnings have the path, which is the secret.
        for attempt in range(_ATTEMPTS):
            time.sleep(_PAUSE * attempt)
            try:
                status = _within(_LONGEST, lambda: self._post(text))
            except (requests.ReadTimeout, TimeoutError):
                # It may have the message: asked again, it would show it again.
                problem = "does not answer in time"
                break
            except requests.RequestException as error:
                problem = f"does not answer ({type(error).__name__})"
                continue
            if status < _REDIRECTS:
                return
            problem = f"answers {status}"
            if status not in _BUSY:
                break
        raise ChannelError(f"the webhook {problem}")

    def _post(self, text: str) -> int:
        # The body of the answer says nothing, and is not waited for.
        with requests.post(
            self.url, json={"text": text}, timeout=SECONDS, allow_redirects=False, stream=True
        ) as answer:
            return answer.status_code


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
        for attempt in range(_ATTEMPTS):
            time.sleep(_PAUSE * attempt)
            try:
                n_refused = _within(_LONGEST, lambda: self._deliver(message))
            # A password or address that cannot be sent is a ValueError.
            except (OSError, smtplib.SMTPException, ValueError) as error:
                last = type(error).__name__
                # Many servers lock an account after some wrong logins.
                if _is_final(error):
                    break
            else:
                if n_refused:
                    of = len(self.recipients)
                    logger.warning("The mail server refuses %d of %d recipients", n_refused, of)
                return
        raise ChannelError(f"the mail server does not take the message ({last})")

    def _deliver(self, message: EmailMessage) -> int:
        """Send a message, and return how many recipients were refused."""
        host, context = self.server.hostname or "", ssl.create_default_context()
        if self.server.scheme == "smtps":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                host, self.server.port or 465, timeout=SECONDS, context=context
            )
        else:
            client = smtplib.SMTP(host, self.server.port or 587, timeout=SECONDS)
        try:
            if self.server.scheme == "smtp" and host not in _LOOPBACK:
                client.starttls(context=context)
            if self.server.username:
                client.login(unquote(self.server.username), unquote(self.server.password or ""))
            refused = client.send_message(message)
            # The server has the message: how it says goodbye does not matter.
            with suppress(OSError, smtplib.SMTPException):
                client.quit()
        finally:
            client.close()
        return len(refused)


def _is_final(error: Exception) -> bool:
    """Whether a mail server would answer the same again, or may have the message."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= _FINAL for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= _FINAL
    return isinstance(error, (TimeoutError, ValueError, smtplib.SMTPNotSupportedError))


def _within(seconds: float, work: Callable[[], T]) -> T:
    """Return what some work returns.

    The libraries' own limits are for each part that a server sends, however small.

    Raises:
        TimeoutError: If it takes longer. It goes on beside the caller then; its result is not used.
    """
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=run, name="alert", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]


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
