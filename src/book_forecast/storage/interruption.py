"""Interruption of a command by a signal: it ends in order, and reports how to resume."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_USUAL = (signal.SIG_DFL, signal.default_int_handler)
# A terminal, a shell and a supervisor may each send the same signal.
_SECONDS_OF_ONE_SIGNAL = 2.0
_steps: list[Callable[[], str]] = []


class Interrupted(KeyboardInterrupt):
    """A signal that ends the command; no handler of errors catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def when_interrupted(step: Callable[[], str]) -> None:
    """Let an interruption of the command call a function that ends what it is in the middle of.

    Args:
        step: Returns sentences for the user; may be empty. Steps that are added later come first.
    """
    _steps.append(step)


def no_longer(step: Callable[[], str]) -> None:
    """Take back `when_interrupted`."""
    if step in _steps:
        _steps.remove(step)


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Let signals that end a process raise `Interrupted`.

    A signal that the caller ignores, as `nohup` does, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = _handler()
    before = {
        number: signal.signal(number, handler)
        for number in _SIGNALS
        if signal.getsignal(number) in _USUAL
    }
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)


def end_in_order(interruption: KeyboardInterrupt) -> tuple[str, int]:
    """End what is under way; a second signal ends the process at once.

    Args:
        interruption: What was raised.

    Returns:
        A paragraph for the user, and the exit code that shells expect after the signal.
    """
    number = interruption.number if isinstance(interruption, Interrupted) else signal.SIGINT
    code = 128 + number
    for other in _SIGNALS:
        signal.signal(other, lambda *_: os._exit(code))
    name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
    sentences = [f"Interrupted by {name}."]
    while _steps:
        sentences.append(_steps.pop()())
    return " ".join(filter(None, sentences)), code


def _handler() -> Callable[[int, FrameType | None], None]:
    last = -_SECONDS_OF_ONE_SIGNAL

    def raise_it(number: int, _: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_OF_ONE_SIGNAL:
            last = now
            # Threads of libraries end with errors of their own; none of them is the reason.
            threading.excepthook = lambda _: None
            raise Interrupted(number)

    return raise_it
