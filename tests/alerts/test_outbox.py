"""Alerts wait until every channel has them, go out once, and some of them once a day together."""

import datetime as dt
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from book_forecast.alerts.channels import ChannelError
from book_forecast.alerts.events import Alert, Kind
from book_forecast.alerts.outbox import MOST_PENDING, Outbox
from book_forecast.storage.run_lock import Holder, run_lock

SENDER = "book_forecast"
DIGEST: tuple[Kind, ...] = ("runs_out",)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 1, 5, 6, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def wait(self, hours: float) -> None:
        self.now += dt.timedelta(hours=hours)


class SlowChannel:
    """A channel that takes a while, so that two processes would send at the same time."""

    name = "webhook"

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, alerts: Sequence[Alert], sender: str) -> None:
        time.sleep(0.5)
        self.sent += [alert.text for alert in alerts]


class Recorder:
    """A channel that may be down."""

    def __init__(self, name: str = "webhook") -> None:
        self.name = name
        self.sent: list[list[str]] = []
        self.is_down = False

    def send(self, alerts: Sequence[Alert], sender: str) -> None:
        if self.is_down:
            raise ChannelError("is down")
        self.sent.append([alert.text for alert in alerts])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(tmp_path: Path, clock: Clock) -> Outbox:
    return Outbox(str(tmp_path / "alerts"), clock)


def failed(subject: str = "weekly", text: str = "no") -> Alert:
    return Alert(kind="run_failed", subject=subject, text=text)


def test_an_alert_goes_out_once(outbox):
    channel = Recorder()
    assert outbox.add(failed(), 20)
    assert outbox.flush([channel], DIGEST, SENDER) == (1, [])
    assert outbox.flush([channel], DIGEST, SENDER) == (0, [])
    assert channel.sent == [["no"]]
    assert outbox.pending() == []


def test_the_same_alert_is_sent_again_after_a_while_only(outbox, clock):
    channel = Recorder()
    for hours, is_new in ((0, True), (1, False), (20, True)):
        clock.wait(hours)
        assert outbox.add(failed(text=f"at {hours}"), 20) is is_new
        outbox.flush([channel], DIGEST, SENDER)
    assert channel.sent == [["at 0"], ["at 20"]]
    assert outbox.add(failed("forecast"), 20)


def test_a_clock_that_was_ahead_silences_nothing(outbox, clock):
    channel = Recorder()
    clock.wait(24 * 365)
    outbox.add(failed(), 20)
    outbox.add(Alert(kind="runs_out", text="a"), 20)
    outbox.flush([channel], DIGEST, SENDER)
    clock.wait(-24 * 365)
    assert outbox.add(failed(), 20)
    assert outbox.add(Alert(kind="runs_out", text="b"), 20)
    assert outbox.flush([channel], DIGEST, SENDER) == (2, [])
    assert not outbox.add(failed(), 20)


def test_an_alert_of_a_long_subject_is_not_taken_for_damage(outbox):
    channel = Recorder()
    subjects = ["y" * 30_000, "y" * 30_000 + "z"]
    assert [outbox.add(failed(subject), 20) for subject in subjects] == [True, True]
    assert outbox.flush([channel], DIGEST, SENDER) == (2, [])
    assert not outbox.add(failed(subjects[0]), 20)


def test_what_a_channel_has_not_taken_waits_for_it_alone(outbox):
    webhook, mail = Recorder(), Recorder("mail")
    mail.is_down = True
    outbox.add(failed("a", "first"), 20)
    outbox.add(failed("b", "second"), 20)
    assert outbox.flush([webhook, mail], DIGEST, SENDER) == (0, ["mail: is down"])
    mail.is_down = False
    assert outbox.flush([webhook, mail], DIGEST, SENDER) == (2, [])
    assert webhook.sent == mail.sent == [["first"], ["second"]]


def test_a_digest_goes_out_once_a_day_in_one_message(outbox, clock):
    channel = Recorder()
    stock = [Alert(kind="runs_out", subject=str(n), text=str(n)) for n in range(3)]
    outbox.add(stock[0], 0)
    outbox.flush([channel], DIGEST, SENDER)
    assert channel.sent == [["0"]]
    for alert in stock[1:]:
        clock.wait(1)
        outbox.add(alert, 0)
        outbox.flush([channel], DIGEST, SENDER)
    assert channel.sent == [["0"]]
    clock.wait(22)
    outbox.flush([channel], DIGEST, SENDER)
    assert channel.sent == [["0"], ["1", "2"]]
    outbox.add(failed(), 20)
    outbox.flush([channel], DIGEST, SENDER)
    assert channel.sent[2:] == [["no"]]


def test_a_digest_may_be_asked_for(outbox):
    channel = Recorder()
    for text in ("a", "b"):
        outbox.add(Alert(kind="runs_out", subject=text, text=text), 0)
        outbox.flush([channel], DIGEST, SENDER, digest_now=True)
    assert channel.sent == [["a"], ["b"]]


def test_a_damaged_file_costs_no_other_alert(outbox, tmp_path, caplog):
    outbox.add(failed("a", "first"), 20)
    (tmp_path / "alerts/pending/0000.json").write_text('{"op_code": 6}')
    channel = Recorder()
    assert outbox.flush([channel], DIGEST, SENDER) == (1, [])
    assert "0000.json is damaged" in caplog.text


def test_an_outbox_does_not_grow_without_bounds(outbox, tmp_path, clock, caplog):
    folder = tmp_path / "alerts/pending"
    folder.mkdir(parents=True)
    for number in range(MOST_PENDING):
        (folder / f"{number:04d}.json").write_text("{}")
    assert not outbox.add(failed(), 20)
    assert "further ones are dropped" in caplog.text


def test_records_of_sent_alerts_are_forgotten_after_two_months(outbox, tmp_path, clock):
    outbox.add(failed(), 20)
    outbox.flush([Recorder()], DIGEST, SENDER)
    assert len(list((tmp_path / "alerts/sent").iterdir())) == 1
    clock.wait(24 * 61)
    outbox.add(failed("later"), 20)
    outbox.flush([Recorder()], DIGEST, SENDER)
    (left,) = (tmp_path / "alerts/sent").iterdir()
    assert left.stem == failed("later").key


def test_steps_that_end_at_once_send_an_alert_once(tmp_path):
    channel, begin = SlowChannel(), threading.Barrier(4)

    def end(number: int) -> None:
        outbox = Outbox(str(tmp_path / "alerts"))
        begin.wait()
        outbox.add(failed(), 20)
        outbox.add(failed(subject=f"step {number}", text=f"step {number}"), 20)
        outbox.flush([channel], DIGEST, SENDER)

    steps = [threading.Thread(target=end, args=(number,)) for number in range(4)]
    for step in steps:
        step.start()
    for step in steps:
        step.join()
    assert sorted(channel.sent) == ["no", *(f"step {number}" for number in range(4))]
    assert Outbox(str(tmp_path / "alerts")).pending() == []


def test_what_another_process_is_sending_is_not_sent_twice_and_nothing_is_lost(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("book_forecast.alerts.outbox._PATIENCE_SECONDS", 0.0)
    location, channel = str(tmp_path / "alerts"), Recorder()
    outbox = Outbox(location)
    with run_lock(location, Holder("alerts"), 0.0):
        assert outbox.add(failed(), 20)
        sent, (problem,) = outbox.flush([channel], DIGEST, SENDER)
    assert (sent, channel.sent) == (0, [])
    assert problem == "another process sends them"
    assert outbox.flush([channel], DIGEST, SENDER) == (1, [])
