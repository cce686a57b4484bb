"""Kedro's commands in forks of a process that has imported what they need.

A year has a hundred runs, each of which would import for some seconds. The process time of one
import is counted with each run all the same.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import book_forecast
from benchmarks.runs import PROJECT
from book_forecast.execution.fingerprints import code_fingerprint

_LIBRARIES = (
    *("pandas", "pyarrow.parquet", "scipy.stats", "numba", "lightgbm", "openpyxl", "optuna"),
    *("IPython", "git", "dynaconf", "mlflow.pyfunc", "mlflow.store.tracking.sqlalchemy_store"),
    *("kedro.io", "kedro.pipeline", "kedro_datasets.pandas", "statsforecast.models"),
    *("pandera.pandas", "plotly.express", "kedro.framework.cli", "kedro_mlflow.framework.hooks"),
)
_PACKAGES = ("datasets", "forecasters", "hooks", "monitoring", "pipelines", "releases", "tracking")
"""Those of the project that every run imports."""
_OTHERS = ("bigquery", "pyfunc_model")
"""Modules in them that need what is not there."""


@dataclass(frozen=True)
class Done:
    """A command that has ended.

    Attributes:
        code: Its exit code; negative for a signal.
        core_seconds: Process time with its children's, and that of the imports.
        log: What it has printed.
    """

    code: int
    core_seconds: float
    log: str


class Commands:
    """Runs Kedro's commands one after the other."""

    def __init__(self) -> None:
        """Import what every command imports."""
        began = time.process_time()
        for name in (*_LIBRARIES, *_own_modules()):
            importlib.import_module(name)
        # Which module imports which others, and whose libraries; it is kept for all modules.
        code_fingerprint("book_forecast.pipelines.tune.nodes")
        self._imports = time.process_time() - began

    def run(
        self, words: list[str], variables: Mapping[str, str], log: Path, kill_at: str | None = None
    ) -> Done:
        """Run a command to its end.

        Args:
            words: After `kedro`.
            variables: More environment variables.
            log: Takes what it prints.
            kill_at: SIGKILL follows a second after the log has this text.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if not child:
            _become(words, variables, log)
        while kill_at is not None:
            ended, status, usage = os.wait4(child, os.WNOHANG)
            if ended:
                return self._done(status, usage.ru_utime + usage.ru_stime, log)
            if kill_at in _text(log):
                time.sleep(1)
                os.kill(child, signal.SIGKILL)
                break
            time.sleep(0.05)
        _, status, usage = os.wait4(child, 0)
        return self._done(status, usage.ru_utime + usage.ru_stime, log)

    def _done(self, status: int, used: float, log: Path) -> Done:
        return Done(os.waitstatus_to_exitcode(status), used + self._imports, _text(log))


def _own_modules() -> list[str]:
    found = pkgutil.walk_packages(book_forecast.__path__, "book_forecast.")
    return [
        one.name
        for one in found
        if one.name.split(".")[1] in _PACKAGES and not any(name in one.name for name in _OTHERS)
    ]


def _become(words: list[str], variables: Mapping[str, str], log: Path) -> None:
    """Turn this fork into a command; never returns."""
    code = 1
    try:
        with log.open("wb", buffering=0) as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.chdir(PROJECT)
        os.environ.update(variables)
        sys.argv = ["kedro", *words]
        from kedro.framework.cli import main

        main()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:  # noqa: BLE001 - a fork must not go on as its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
