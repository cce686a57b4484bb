"""How often a service looks for another release, and reads what it has found."""

from types import SimpleNamespace

from book_forecast.payload.manifest import PayloadError
from book_forecast.serving.loading.source import PayloadPointer
from book_forecast.serving.release import watch
from tests.serving.servers import FIRST, SECOND


def test_a_payload_that_was_refused_is_read_less_and_less_often(monkeypatch):
    """Yet at once on a signal, and another champion as soon as there is one."""
    pointer = PayloadPointer(FIRST, "checksum", "place")
    now, read = 0.0, []

    def refuse(place, is_urgent):
        read.append(now)
        raise PayloadError(f"{place} is damaged")

    monkeypatch.setattr(watch, "load", refuse)
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: now))
    looking = watch.Watch(lambda: pointer, poll_seconds=10.0)
    for second in range(0, 1001, 10):
        now = float(second)
        looking.check()
        assert looking.current.problem.text == "place is damaged"
    assert read == [0.0, 10.0, 30.0, 70.0, 150.0, 310.0, 610.0, 910.0]
    looking.wake()
    looking.check()
    assert read[-1] == now
    pointer = PayloadPointer(SECOND, "checksum", "elsewhere")
    looking.check()
    assert looking.current.problem.text == "elsewhere is damaged"
