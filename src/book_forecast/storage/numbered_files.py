"""Logs of small files that never change: one for each entry, with its number for a name.

Several processes may add entries at the same time: whoever comes first with a number has it.
"""

from __future__ import annotations

import re

import fsspec

from book_forecast.storage.files import create_file, list_folder, read_start

_NAME = re.compile(r"\d{6}\.json")


class NumberedFiles:
    """The files of a log.

    Attributes:
        location: Their folder, as it was given.
    """

    def __init__(self, location: str) -> None:
        """Name the folder.

        Args:
            location: Local or `gs://…`; it need not exist.
        """
        self.location = location
        self._fs, self._path = fsspec.core.url_to_fs(location)

    def numbers(self) -> list[int]:
        """Return the numbers of all entries, in order.

        Raises:
            OSError: If the folder may not be read.
        """
        names = [path.rpartition("/")[2] for path in list_folder(self._fs, self._path)]
        return sorted(int(name[:6]) for name in names if _NAME.fullmatch(name))

    def next_number(self) -> int:
        """Return the number after the last one; 1 for the first."""
        return max(self.numbers(), default=0) + 1

    def path(self, number: int) -> str:
        """Return the path of an entry, for messages."""
        return f"{self._path}/{number:06d}.json"

    def read(self, number: int, most: int) -> bytes:
        """Return the first bytes of an entry.

        Args:
            number: Its number.
            most: Bytes that are read at most.
        """
        return read_start(self._fs, self.path(number), most)

    def add(self, number: int, content: bytes) -> None:
        """Add an entry.

        Raises:
            FileExistsError: If there is one with this number; it is unchanged.
        """
        create_file(self._fs, self.path(number), content)
