"""Signals end a command in order."""

import signal
import subprocess
import sys

import pytest

from tests.signals import interruptible

PROGRAM = """
import sys, threading, time
import click
from book_forecast.cli.readable import ReadableCommand
from book_forecast.storage.interruption import no_longer, when_interrupted

def first(): return "First was added."
def gone(): return "Never seen."

@click.command(cls=ReadableCommand)
def command():
    when_interrupted(first)
    when_interrupted(gone)
    when_interrupted(lambda: "Last was added.")
    no_longer(gone)
    print("ready", flush=True)
    try:
        while True:
            time.sleep(0.01)
    except Exception:
        print("swallowed", flush=True)

command()
"""


def started(*prefix: str) -> subprocess.Popen[str]:
    words = [*prefix, sys.executable, "-c", PROGRAM]
    with interruptible():
        process = subprocess.Popen(words, stdout=-1, stderr=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(
    ("number", "name"),
    [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")],
)
def test_a_signal_ends_in_a_paragraph_and_the_exit_code_of_shells(number, name):
    process = started()
    process.send_signal(number)
    process.send_signal(number)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors == f"Interrupted by {name}. Last was added. First was added.\n"
    assert said == ""


def test_a_signal_that_the_caller_ignores_stays_ignored():
    process = started("nohup")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Interrupted by SIGTERM." in errors
