"""Python processes that begin with the heavy libraries imported, for tests of whole commands.

Most of a short command is the import of pandas, MLflow and their like. A process imports them once
and forks itself for each command, which is run as `python -m module …` or `python script …` runs
it: with its own folder, environment, arguments, output and exit code. The modules of the project
are not among those imported, so that each command imports what the code under test says. Commands
end with the process that has asked for them, however that one ends.

A few tests start Python anew: they prove that the command itself starts, and they have string
hashes of their own, which all processes here share.
"""

import atexit
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("server.py")
LIBRARIES = (
    *("pandas", "IPython", "git", "dynaconf", "kedro.config", "kedro.io", "kedro.pipeline"),
    *("kedro_datasets.json", "kedro_datasets.pandas", "kedro_datasets.partitions"),
    *("kedro_datasets.pickle", "kedro_datasets.text", "mlflow.pyfunc"),
    *("mlflow.store.tracking.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_workspace_store"),
    *("zenml.client", "zenml.zen_stores.sql_zen_store", "zenml.pipelines.pipeline_definition"),
    *("zenml.execution.pipeline.utils", "zenml.orchestrators.step_launcher", "zenml.log_stores"),
    *("zenml.deployers", "zenml.sandboxes", "zenml.step_operators", "zenml.experiment_trackers"),
)


@dataclass
class Command:
    """A command that runs, with the part of `subprocess.Popen` that tests use.

    Attributes:
        args: Its words.
        returncode: Once it is known that it has ended; negative for a signal.
    """

    args: Sequence[str]
    returncode: int | None = None
    _output: Path | None = None
    _send: Any = None
    _code: int | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        if self._ended.is_set():
            self.returncode = self._code
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: It takes longer.
        """
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired([*self.args], timeout or 0.0)
        code = self.poll()
        assert code is not None, "the process that runs commands has died"
        return code

    def communicate(self) -> tuple[str, None]:
        """Wait for its end; return what it has printed on both streams."""
        self.wait()
        assert self._output is not None
        return self._output.read_text(errors="replace"), None

    def send_signal(self, number: int) -> None:
        """Send a signal to it alone, not to processes that it has started."""
        if self.poll() is None:
            self._send(signal=int(number))

    def kill(self) -> None:
        """End it, with all processes that it has started."""
        if self.poll() is None:
            self._send(kill=True)
        self.wait()


@dataclass(eq=False)
class Warm:
    """Runs commands.

    Attributes:
        modules: What is imported before the first command.
        variables: Of the environment, which these modules may read.
    """

    modules: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: subprocess.Popen[str] | None = None
    _commands: dict[int, Command] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _outputs: tempfile.TemporaryDirectory[str] | None = None

    def run(
        self, words: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float = 300.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end.

        Args:
            words: What would follow `python`: `-m` and a module, or a script, and arguments.
            cwd: The folder to be in.
            env: All environment variables.
            timeout: In seconds.

        Returns:
            What `subprocess.run` returns with `capture_output` and `text`.

        Raises:
            subprocess.TimeoutExpired: The command took longer; it is killed.
        """
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            command = self._start(words, cwd, env, out, err)
            try:
                code = command.wait(timeout)
            except subprocess.TimeoutExpired:
                command.kill()
                raise
            texts = [path.read_text(errors="replace") for path in (out, err)]
        return subprocess.CompletedProcess([sys.executable, *words], code, *texts)

    def start(
        self, words: Sequence[str], cwd: Path, env: Mapping[str, str], output: Path | None = None
    ) -> Command:
        """Start a command.

        Args:
            words: As for `run`.
            cwd: The folder to be in.
            env: All environment variables.
            output: The file that gets both streams; a new one if None.
        """
        if output is None:
            if self._outputs is None:
                self._outputs = tempfile.TemporaryDirectory()
            output = Path(self._outputs.name, str(next(self._numbers)))
        return self._start(words, cwd, env, output, output)

    def end(self) -> None:
        """End the process, and the commands that it runs."""
        if self._server is not None:
            assert self._server.stdin is not None
            self._server.stdin.close()
            self._server.wait()
            self._server = None

    def _start(
        self, words: Sequence[str], cwd: Path, env: Mapping[str, str], out: Path, err: Path
    ) -> Command:
        number = next(self._numbers)
        command = Command(words, _output=out, _send=partial(self._send, number=number))
        self._commands[number] = command
        place: dict[str, Any] = {"cwd": str(cwd), "env": {**env}, "out": str(out), "err": str(err)}
        self._send(number=number, words=[*words], **place)
        return command

    def _send(self, **order: Any) -> None:
        with self._lock:
            if self._server is None:
                self._server = self._started()
            assert self._server.stdin is not None
            self._server.stdin.write(json.dumps(order) + "\n")
            self._server.stdin.flush()

    def _started(self) -> subprocess.Popen[str]:
        quiet = {"DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
        quiet |= {"KEDRO_DISABLE_TELEMETRY": "true", "ZENML_ANALYTICS_OPT_IN": "false"}
        server = subprocess.Popen(
            [sys.executable, str(SERVER), *self.modules],
            env={**os.environ, **quiet, **self.variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

        def read() -> None:
            assert server.stdout is not None
            for line in server.stdout:
                number, code = map(int, line.split())
                if (command := self._commands.pop(number, None)) is not None:
                    command._code = code
                    command._ended.set()
            while self._commands:
                self._commands.popitem()[1]._ended.set()

        threading.Thread(target=read, daemon=True).start()
        atexit.register(self.end)
        return server


zenml = Warm(LIBRARIES)
