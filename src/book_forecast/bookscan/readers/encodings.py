"""The encoding of a text file, and the repair of a UTF-8 file with bytes of another encoding."""

import codecs
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from book_forecast.storage.errors import UserError

MARK = "\ufdd0"
"""Stands behind every character of a repaired file that was read by a guess."""

REASON = "a character that is not UTF-8, read as Windows-1252"

_BLOCK_BYTES = 1 << 23
_SAMPLE_BYTES = 1 << 12
_ZIP_MAGIC = b"PK\x03\x04"
_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it starts with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Windows-1252 text has hardly a sequence that is also valid in UTF-8, so that few are enough.
_UTF8_SHARE = 0.2


@dataclass(frozen=True)
class TextEncoding:
    """How the bytes of a file become characters.

    Attributes:
        name: The codec.
        mixed: Whether a UTF-8 file has some bytes of Windows-1252.
    """

    name: str
    mixed: bool = False

    def open(self, path: Path) -> BinaryIO:
        """Open the file; a mixed one is UTF-8 throughout, with `MARK` behind what was guessed."""
        file = path.open("rb")
        return io.BufferedReader(_Repaired(file), _BLOCK_BYTES) if self.mixed else file

    def decode(self, start: bytes) -> str:
        """Return the characters of the first bytes of a file, without its byte order mark."""
        if self.mixed:
            decoder = codecs.getincrementaldecoder("utf-8")(_ERRORS)
            return decoder.decode(start).replace(MARK, "").removeprefix("\ufeff")
        return start.decode(self.name, errors="ignore").removeprefix("\ufeff")


def find_encoding(path: Path, name: str, given: str | None) -> TextEncoding:
    """Find the encoding of a text file from all of its bytes.

    It is that of the byte order mark, else UTF-16 if every other byte is NUL, else UTF-8 or
    Windows-1252, by the share of valid sequences of UTF-8 among the characters beyond ASCII.

    Args:
        path: The local file.
        name: Its name in messages.
        given: The encoding that the user names; only UTF-8 is checked.

    Raises:
        UserError: The file has NUL bytes, or is not text in any of these encodings.
    """
    with path.open("rb") as file:
        start = file.read(_SAMPLE_BYTES)
    if start.startswith(_ZIP_MAGIC):
        raise UserError(
            f"{name} is no text file but looks like a workbook or an archive. Give it the ending "
            ".xlsx or .zip if it is one, or export it again as CSV."
        )
    encoding = given or next((codec for bom, codec in _BOMS.items() if start.startswith(bom)), None)
    encoding = codecs.lookup(encoding).name if encoding else _utf16_without_mark(start)
    if encoding not in (None, "utf-8", "utf-8-sig"):
        return TextEncoding(encoding)
    valid, invalid = _count_sequences(path, name)
    if not invalid:
        return TextEncoding("utf-8")
    if encoding or valid >= _UTF8_SHARE * (valid + invalid):
        return TextEncoding("utf-8", mixed=True)
    _check_cp1252(path, name)
    return TextEncoding("cp1252")


def _utf16_without_mark(start: bytes) -> str | None:
    even, odd = start[0::2], start[1::2]
    for nul, other, codec in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if nul.count(0) > len(nul) / 2 and other.count(0) < len(other) / 20:
            return codec
    return None


def _count_sequences(path: Path, name: str) -> tuple[int, int]:
    """Return the number of bytes beyond ASCII that are valid UTF-8, about, and of invalid ones."""
    valid = invalid = 0
    rest = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            if b"\0" in block:
                raise UserError(
                    f"{name} is no text: it has NUL bytes. It may be damaged or of another kind "
                    "than its name says: export it again as CSV (UTF-8)."
                )
            block = rest + block
            try:
                text, used = codecs.utf_8_decode(block, "strict", False)
                right = used
            except UnicodeDecodeError:
                text, used = codecs.utf_8_decode(block, "ignore", False)
                right = len(text.encode())
            valid += right - len(text)
            invalid += used - right
            rest = block[used:]
    return valid, invalid + len(rest)


def _check_cp1252(path: Path, name: str) -> None:
    with path.open("rb") as file:
        try:
            while block := file.read(_BLOCK_BYTES):
                block.decode("cp1252")
        except UnicodeDecodeError:
            raise UserError(
                f"{name} is not text in UTF-8 or Windows-1252. Export it again as CSV (UTF-8), or "
                "name its encoding, such as shift_jis, cp1250 or mac-roman: "
                f'exports: {{"{name}": {{encoding: shift_jis}}}}.'
            ) from None


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace") + MARK, error.end


_ERRORS = "book_forecast_cp1252"
codecs.register_error(_ERRORS, _as_cp1252)


class _Repaired(io.RawIOBase):
    """A file whose bytes outside UTF-8 are decoded as Windows-1252."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")(_ERRORS)
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            block = self._file.read(_BLOCK_BYTES)
            self._ready = self._decoder.decode(block, final=not block).encode()
            if not block and not self._ready:
                return 0
        taken = self._ready[: len(buffer)]
        self._ready = self._ready[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def close(self) -> None:
        self._file.close()
        super().close()
