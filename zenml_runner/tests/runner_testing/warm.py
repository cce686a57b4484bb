"""Python processes that begin with the heavy libraries imported, for tests of whole commands.

Most of a short command is the import of pandas, MLflow and their like. A process imports them once
and forks itself for each command, which is run as `python -m module …` or `python script …` runs
it: with its own folder, environment, arguments, output and exit code. The modules of the project
are not among those imported, so that each command imports what the code under test says.

A few tests start Python anew: they prove that the command itself starts, and they have string
hashes of their own, which all processes here share.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

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
class Warm:
    """Runs commands one after the other; a command of another thread waits.

    Attributes:
        modules: What is imported before the first command.
    """

    modules: Sequence[str]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: subprocess.Popen[str] | None = None
    _answers: SimpleQueue[str] = field(default_factory=SimpleQueue)

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
        with self._lock, tempfile.TemporaryDirectory() as folder:
            out, err = (Path(folder, name) for name in ("out", "err"))
            order = {"words": [*words], "cwd": str(cwd), "env": {**env}}
            self._send(json.dumps(order | {"out": str(out), "err": str(err)}))
            code = self._code(timeout)
            texts = [path.read_text(errors="replace") for path in (out, err)]
        if code is None:
            raise subprocess.TimeoutExpired([*words], timeout, *texts)
        return subprocess.CompletedProcess([sys.executable, *words], code, *texts)

    def end(self) -> None:
        """End the process, and the command that it runs."""
        if self._server is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
            self._server = None

    def _send(self, order: str) -> None:
        if self._server is None:
            self._server = self._started()
        assert self._server.stdin is not None
        self._server.stdin.write(order + "\n")
        self._server.stdin.flush()

    def _code(self, timeout: float) -> int | None:
        """The exit code of the command, negative for a signal; None if it is killed for time."""
        with suppress(Empty):
            answer = self._answers.get(timeout=timeout)
            assert answer, "the process that runs commands has died"
            return int(answer)
        self.end()
        return None

    def _started(self) -> subprocess.Popen[str]:
        quiet = {"DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
        quiet |= {"KEDRO_DISABLE_TELEMETRY": "true", "ZENML_ANALYTICS_OPT_IN": "false"}
        server = subprocess.Popen(
            [sys.executable, str(SERVER), *self.modules],
            env=os.environ | quiet,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        answers: SimpleQueue[str] = SimpleQueue()
        self._answers = answers

        def read() -> None:
            assert server.stdout is not None
            for line in server.stdout:
                answers.put(line)
            answers.put("")

        threading.Thread(target=read, daemon=True).start()
        atexit.register(self.end)
        return server


zenml = Warm(LIBRARIES)
