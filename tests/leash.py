"""Starts processes that end with the one that starts them, however that one ends.

`python tests/leash.py COMMAND …` runs the command in its own process group, until the command ends
or nobody holds the other end of the standard input any more. A parent that is killed lets go of it.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

# Nothing is written; the system closes the second end with this process.
_END_OF_PARENT, _HELD = os.pipe()


class Leashed(subprocess.Popen[str]):
    """A process that ends with this one."""

    def kill(self) -> None:
        """End it, with all processes that it has started."""
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: IO[Any] | int = subprocess.DEVNULL,
) -> Leashed:
    """Start a command whose process, and those that it starts, end with this one.

    Args:
        command: Program and arguments.
        env: Its environment; this process's own if None.
        cwd: The folder in which it runs.
        output: Where both of its streams go.
    """
    return Leashed(
        [sys.executable, "-I", "-S", __file__, *command],
        env=env,
        cwd=cwd,
        stdin=_END_OF_PARENT,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def end(process: Leashed) -> None:
    """End a process and those that it has started, and close its output."""
    process.kill()
    if process.stdout is not None:
        process.stdout.close()


def _main() -> int:
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


def _end_with_parent() -> None:
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(_main())
