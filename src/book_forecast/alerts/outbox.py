"""Alerts that wait to be sent, and when the same was sent last: a small file for each.

One process at a time adds or sends, so that steps that end at once send an alert once.

pending/<key>.json    an alert, and the channels that have it already
sent/<key>.json       when it was sent last
digest.json           when the last digest was sent
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import fsspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from book_forecast.alerts.channels import Channel, ChannelError
from book_forecast.alerts.events import Alert, Kind
from book_forecast.storage.errors import UserError
from book_forecast.storage.files import list_folder, replacing
from book_forecast.storage.run_lock import Holder, run_lock

logger = logging.getLogger(__name__)

MOST_PENDING = 1000
_MOST_BYTES = 20_000
_DIGEST = dt.timedelta(hours=20)
"""Between two digests: runs of two days are not exactly a day apart."""
_KEPT = dt.timedelta(days=60)
_CLOCKS_DIFFER = dt.timedelta(hours=1)
"""By which a record of another machine may be ahead."""
_PATIENCE_SECONDS = 120.0
"""For another process that sends."""
Clock = Callable[[], dt.datetime]
T = TypeVar("T", bound=BaseModel)


class _Pending(BaseModel):
    model_config = ConfigDict(extra="forbid")

    alert: Alert
    done: list[str] = []


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    when: AwareDatetime


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Outbox:
    """A folder of alerts, local or on a bucket."""

    def __init__(self, location: str, clock: Clock = _now) -> None:
        """Open an outbox, which need not exist yet."""
        self._location = location
        self._fs, self._path = fsspec.core.url_to_fs(location)
        self._clock = clock

    def add(self, alert: Alert, repeat_hours: float) -> bool:
        """Keep an alert until it is sent.

        Args:
            alert: What happened.
            repeat_hours: The same alert is not sent again within.

        Returns:
            Whether it is new; False if the same one waits, or was sent lately.
        """
        # One that another process sends for long waits beside it: no alert is lost.
        with self._exclusive():
            return self._add(alert, repeat_hours)

    def _add(self, alert: Alert, repeat_hours: float) -> bool:
        age = self._age(f"sent/{alert.key}.json")
        if age is not None and age < dt.timedelta(hours=repeat_hours):
            return False
        name = f"pending/{alert.key}.json"
        if self._read(_Pending, name) is not None:
            return False
        if len(self._names("pending")) >= MOST_PENDING:
            logger.warning("%d alerts wait to be sent: further ones are dropped", MOST_PENDING)
            return False
        self._write(name, _Pending(alert=alert))
        return True

    def pending(self) -> list[Alert]:
        """Return the alerts that wait, the oldest first."""
        return [pending.alert for pending in self._pending()]

    def flush(
        self,
        channels: Sequence[Channel],
        digest_kinds: Sequence[Kind],
        sender: str,
        digest_now: bool = False,
    ) -> tuple[int, list[str]]:
        """Send what waits; an alert that not every channel takes waits on for these.

        Args:
            channels: Where alerts go.
            digest_kinds: Those that go out once a day, together.
            sender: First line of a message.
            digest_now: Whether the digest goes out although the last one is not a day old.

        Returns:
            How many alerts every channel has now, and the problems of channels.
        """
        # A lock is an object of its own on a bucket: most runs send nothing.
        if not self._names("pending"):
            return 0, []
        with self._exclusive() as is_free:
            if not is_free:
                return 0, ["another process sends them"]
            return self._flush(channels, digest_kinds, sender, digest_now=digest_now)

    def _flush(
        self,
        channels: Sequence[Channel],
        digest_kinds: Sequence[Kind],
        sender: str,
        *,
        digest_now: bool,
    ) -> tuple[int, list[str]]:
        waiting = list(self._pending())
        digest = [one for one in waiting if one.alert.kind in digest_kinds]
        batches = [[one] for one in waiting if one not in digest]
        is_due = digest_now or self._is_digest_due()
        if digest and is_due:
            batches.append(digest)
        n_sent, problems = 0, dict.fromkeys(channel.name for channel in channels)
        for batch in batches:
            n_sent += self._send(batch, channels, sender, problems)
        if digest and is_due and not any(problems.values()):
            self._write("digest.json", _Sent(when=self._clock()))
        if n_sent:
            # Each record is a request where they are on a bucket: most runs send nothing.
            self._forget()
        return n_sent, [problem for problem in problems.values() if problem]

    def _send(
        self,
        batch: Sequence[_Pending],
        channels: Sequence[Channel],
        sender: str,
        problems: dict[str, str | None],
    ) -> int:
        """Send alerts in one message a channel; one that has failed once is not asked again."""
        for channel in channels:
            lacking = [one for one in batch if channel.name not in one.done]
            if not lacking or problems[channel.name]:
                continue
            try:
                channel.send([one.alert for one in lacking], sender)
            except ChannelError as error:
                problems[channel.name] = f"{channel.name}: {error}"
                continue
            for one in lacking:
                one.done.append(channel.name)
                self._write(f"pending/{one.alert.key}.json", one)
        names = {channel.name for channel in channels}
        complete = [one for one in batch if names <= set(one.done)]
        for one in complete:
            self._write(f"sent/{one.alert.key}.json", _Sent(when=self._clock()))
            self._fs.rm_file(f"{self._path}/pending/{one.alert.key}.json")
        return len(complete)

    @contextmanager
    def _exclusive(self) -> Iterator[bool]:
        """Lock the outbox; yield whether that worked before the patience ended."""
        with ExitStack() as stack:
            try:
                lock = run_lock(self._location, Holder("alerts"), _PATIENCE_SECONDS)
                stack.enter_context(lock)
            except UserError as error:
                logger.warning("The outbox of alerts is not free: %s", error)
                yield False
            else:
                yield True

    def _is_digest_due(self) -> bool:
        age = self._age("digest.json")
        return age is None or age >= _DIGEST

    def _age(self, name: str) -> dt.timedelta | None:
        """Return how long ago something was sent; None where nothing was.

        A clock that was wrong for an hour must not silence alerts for a year: what was sent in the
        future was not sent.
        """
        sent = self._read(_Sent, name)
        age = None if sent is None else self._clock() - sent.when
        return None if age is None or age < -_CLOCKS_DIFFER else age

    def _pending(self) -> Iterator[_Pending]:
        found = [self._read(_Pending, f"pending/{name}") for name in self._names("pending")]
        yield from sorted(filter(None, found), key=lambda one: one.alert.when)

    def _forget(self) -> None:
        """Remove the records of alerts that were sent long ago."""
        for name in self._names("sent"):
            age = self._age(f"sent/{name}")
            if age is not None and age > _KEPT:
                self._fs.rm_file(f"{self._path}/sent/{name}")

    def _names(self, folder: str) -> list[str]:
        found = list_folder(self._fs, f"{self._path}/{folder}")
        names = (path.rpartition("/")[2] for path in found)
        return sorted(name for name in names if name.endswith(".json") and name[0] != ".")

    def _read(self, model: type[T], name: str) -> T | None:
        """Read a file; None where there is none, or where it is damaged."""
        path = f"{self._path}/{name}"
        try:
            content = self._fs.cat_file(path, start=0, end=_MOST_BYTES)
        except FileNotFoundError:
            return None
        try:
            return model.model_validate_json(content)
        except ValidationError:
            logger.warning("%s is damaged, and is passed over", path)
            return None

    def _write(self, name: str, content: BaseModel) -> None:
        with replacing(self._fs, f"{self._path}/{name}") as file:
            file.write(content.model_dump_json().encode())
