"""Forks itself for each command that it reads; `warm` starts it."""

import contextlib
import gc
import importlib
import inspect
import io
import json
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

import psutil

# Modules that read a variable of the environment when they are imported.
READERS = {"KUBECONFIG": ("kubernetes.config.kube_config", "kubernetes.config")}
# Frozen modules of Python, whose frames are in each command's stack.
FROZEN = ("runpy", "importlib._bootstrap", "importlib._bootstrap_external")


def import_all(modules: list[str]) -> None:
    """Import modules, where they are installed; what they print is no command's to say."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for module in modules:
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(module)
        if "zenml" in sys.modules:
            prepare_zenml()
        inspect.stack()  # Python remembers which file is which module.
    # For a frame whose file it does not know, it looks through thousands of modules.
    inspect.modulesbyfile.update({f"<frozen {name}>": name for name in FROZEN})
    gc.collect()
    gc.freeze()


def prepare_zenml() -> None:
    """Do what every command with ZenML does anew, and what depends on installed packages alone."""
    from sqlalchemy.orm import configure_mappers
    from zenml.integrations.registry import integration_registry

    # The first run of a process imports the libraries of all integrations.
    integration_registry.activate_integrations()
    configure_mappers()


def next_command() -> dict[str, Any]:
    """Begin commands until there are no more; return, in a process of its own, each one's order.

    A process between this one and the command waits for its end. Both are a group of their own,
    with all that the command starts.
    """
    keepers: dict[int, int] = {}
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        number = order["number"]
        for known, keeper in list(keepers.items()):
            if os.waitpid(keeper, os.WNOHANG)[0]:
                del keepers[known]
        if "words" not in order:
            tell(order, keepers)
            continue
        keeper = os.fork()
        # Both see to it, so that the group exists for either.
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(keeper, keeper)
        if keeper == 0:
            command = os.fork()
            if command == 0:
                return order
            _, status = os.waitpid(command, 0)
            answer(number, os.waitstatus_to_exitcode(status))
            os._exit(0)
        keepers[number] = keeper
    for keeper in keepers.values():
        end(keeper)
    os._exit(0)


def tell(order: dict[str, Any], keepers: dict[int, int]) -> None:
    """Send a signal to a command, or kill it with all that it has started."""
    number = order["number"]
    if number not in keepers:
        return
    if order.get("kill"):
        end(keepers.pop(number))
        answer(number, -signal.SIGKILL)
    else:
        for command in psutil.Process(keepers[number]).children():
            command.send_signal(order["signal"])


def answer(number: int, code: int) -> None:
    """Tell how a command has ended; of two answers the first counts."""
    os.write(1, f"{number} {code}\n".encode())


def end(keeper: int) -> None:
    """End a group of processes."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(keeper, signal.SIGKILL)
    os.waitpid(keeper, 0)


def become(order: dict[str, Any]) -> None:
    """Do what Python does with its environment and the words of a command line."""
    output = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, order["out"], output),
        (2, order["err"], output),
    ):
        file = os.open(path, flags)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = os.fdopen(0, closefd=False)  # The other one has read ahead.
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    for variable, modules in READERS.items():
        for module in modules if variable in os.environ else ():
            if module in sys.modules:
                importlib.reload(sys.modules[module])
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[1:1] = [folder for folder in folders if folder]
    first, *arguments = order["words"]
    if first == "-m":
        module, *arguments = arguments
        sys.argv, sys.path[0] = [module, *arguments], order["cwd"]
        customize(folders)
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = [first, *arguments], str(Path(first).parent)
        customize(folders)
        runpy.run_path(first, run_name="__main__")


def customize(folders: list[str]) -> None:
    """Run the first `sitecustomize.py`, as Python does when it starts."""
    for folder in folders:
        if folder and (found := Path(folder, "sitecustomize.py")).exists():
            runpy.run_path(str(found), run_name="sitecustomize")
            return


if __name__ == "__main__":
    import_all(sys.argv[1:])
    become(next_command())
