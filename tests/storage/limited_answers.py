"""A module that a limited process runs in tests."""

import logging
import os
import time
from collections.abc import Iterator
from typing import Any

from book_forecast.storage.errors import UserError
from book_forecast.storage.limited_worker import serve


def answer(request: dict[str, Any]) -> Iterator[bytes]:
    """Do what a test asks."""
    print("a library that prints")  # noqa: T201
    match request["do"]:
        case "process":
            yield str(os.getpid()).encode()
        case "count":
            for number in range(request["to"]):
                yield str(number).encode()
        case "allocate":
            yield str(len(bytes(request["size"]))).encode()
        case "abort":
            os.abort()
        case "sleep":
            yield b"first"
            time.sleep(600)
        case "refuse":
            raise UserError("sales.xlsx has a password.")
        case "fail":
            raise ZeroDivisionError("a fault of the code")
        case "log":
            logging.getLogger("some.reader").warning("Ignored %s", "Notes")


if __name__ == "__main__":
    serve(answer)
