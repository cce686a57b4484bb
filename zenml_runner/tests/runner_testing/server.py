"""Forks itself for each command that it reads; `warm` starts it."""

import contextlib
import gc
import importlib
import inspect
import io
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any


def import_all(modules: list[str]) -> None:
    """Import modules, where they are installed; what they print is no command's to say."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for module in modules:
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(module)
        if "zenml" in sys.modules:
            prepare_zenml()
    gc.collect()
    gc.freeze()


def prepare_zenml() -> None:
    """Do what every command with ZenML does anew, and what depends on installed packages alone."""
    from sqlalchemy.orm import configure_mappers
    from zenml.integrations.registry import integration_registry

    # The first run of a process imports the libraries of all integrations.
    integration_registry.activate_integrations()
    configure_mappers()
    inspect.stack()  # Python remembers which file is which module.


def next_command() -> dict[str, Any]:
    """Wait for the commands to end; return, in a process of its own, the order of each."""
    answers = os.dup(1)
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        process = os.fork()
        if process == 0:
            os.close(answers)
            return order
        _, status = os.waitpid(process, 0)
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def become(order: dict[str, Any]) -> None:
    """Do what Python does with the words of a command line."""
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, order["out"], os.O_WRONLY | os.O_CREAT),
        (2, order["err"], os.O_WRONLY | os.O_CREAT),
    ):
        file = os.open(path, flags)
        os.dup2(file, number)
        os.close(file)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    first, *arguments = order["words"]
    if first == "-m":
        module, *arguments = arguments
        sys.argv, sys.path[0] = [module, *arguments], order["cwd"]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = [first, *arguments], str(Path(first).parent)
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    import_all(sys.argv[1:])
    become(next_command())
