"""The service's overrides, read by several threads."""

import threading
from pathlib import Path

from book_forecast.releases.overrides import LoggedOverride, OverrideLog
from book_forecast.serving.titles.override_book import OverrideBook
from tests.releases.test_overrides import made


class SlowLog(OverrideLog):
    """A log whose first reader has what it has read a while later."""

    def __init__(self, releases: str) -> None:
        super().__init__(releases)
        self.has_read, self.may_go_on = threading.Event(), threading.Event()

    def overrides(self) -> list[LoggedOverride]:
        found = super().overrides()
        if not self.has_read.is_set():
            self.has_read.set()
            assert self.may_go_on.wait(20)
        return found


def test_what_is_written_while_another_thread_reads_is_known_afterwards(tmp_path: Path):
    log = SlowLog(str(tmp_path))
    book = OverrideBook(log)
    early = threading.Thread(target=book.refresh)
    early.start()
    assert log.has_read.wait(20)
    entry = made()
    log.add(entry)
    late = threading.Thread(target=book.refresh)
    late.start()
    late.join(timeout=0.5)
    log.may_go_on.set()
    for thread in (early, late):
        thread.join(timeout=20)
    assert [one.number for one in book.of(entry.isbn)] == [1]
