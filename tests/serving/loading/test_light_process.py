"""What the service has in memory, and how it is started from the project."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from book_forecast.cli.serve import serve

HEAVY = {"pandas", "numba", "mlflow", "kedro", "zenml", "optuna", "scipy", "statsmodels"}


def test_a_service_that_has_answered_everything_has_imported_nothing_heavy(served_store, tmp_path):
    """The service's own start, with an end after some requests and a look at what is there."""
    script = """
        import json, pathlib, sys, threading, time, urllib.request
        import uvicorn

        def ask(server):
            while not (server.started and app.state.current.served):
                time.sleep(0.05)
            port = server.servers[0].sockets[0].getsockname()[1]
            isbn = app.state.current.served.reader.isbns[0]
            for path in ("release", "metrics", "openapi.json", "books", f"books/{isbn}",
                         f"books/{isbn}/forecast", f"books/{isbn}/history",
                         f"books/{isbn}/forecast?format=csv", "totals?by=author", "",
                         "books?q=autor&sparklines=true&facets=true", "export?format=csv",
                         "export?format=xlsx&everything=true"):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}").read()
            imported = sorted({name.partition(".")[0] for name in sys.modules})
            pathlib.Path(result).write_text(json.dumps(imported))
            server.should_exit = True

        def run(application, **settings):
            global app
            app = application
            server = uvicorn.Server(uvicorn.Config(application, **settings))
            threading.Thread(target=ask, args=(server,)).start()
            server.run()

        uvicorn.run = run
        _, releases, result = sys.argv
        sys.argv = ["serving", "--releases", releases, "--port", "0"]
        from book_forecast.serving.__main__ import main
        main()
    """
    # Not on stdout, where the log's lines come from another thread.
    result = tmp_path / "imported.json"
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), served_store.root, str(result)],
        check=True,
        timeout=60,
        env={k: v for k, v in os.environ.items() if not k.startswith(("AIP_", "BOOK_FORECAST_"))},
    )
    imported = json.loads(result.read_text())
    assert "pyarrow" in imported
    assert HEAVY.isdisjoint(imported)


def test_the_signal_to_look_does_not_end_a_service_that_is_starting():
    """From before its first import of what takes long to import."""
    script = """
        import signal, sys
        from book_forecast.serving.__main__ import main
        heavy = {"numpy", "pyarrow", "pydantic"} & set(sys.modules)
        try:
            main()
        except SystemExit:
            print(heavy, signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True
    )
    assert done.stdout == "set() True\n", done.stderr


def test_a_mistake_in_the_settings_is_reported_in_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "book_forecast.serving"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: No release is named: set AIP_STORAGE_URI")
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def executed(project_path, monkeypatch):
    """The command line that `kedro serve` becomes."""
    from click.testing import CliRunner
    from kedro.framework.startup import bootstrap_project

    monkeypatch.chdir(project_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    bootstrap_project(project_path)

    def call(*arguments):
        lines = []
        monkeypatch.setattr(os, "execv", lambda _, command: lines.append(command))
        outcome = CliRunner().invoke(serve, arguments, catch_exceptions=False)
        return lines[0] if lines else outcome.output

    return call


def test_kedro_serve_becomes_the_service_of_the_project(executed, project_path):
    command = executed("--port", "8090")
    data = f"{project_path}/data"
    stock = f"{data}/07_model_output/stock_advice.parquet"
    # The host is the service's own choice: it depends on the environment.
    assert command[1:] == [
        *("-m", "book_forecast.serving", "--releases", f"{data}/06_models/releases"),
        *("--stock", stock, "--port", "8090"),
    ]


def test_kedro_serve_takes_the_releases_of_an_environment(executed, monkeypatch):
    monkeypatch.setenv("BOOK_FORECAST_BUCKET", "books")
    command = executed("--env", "production")
    assert command[command.index("--releases") + 1] == "gs://books/06_models/releases"
    stock = command[command.index("--stock") + 1]
    assert stock == "gs://books/07_model_output/stock_advice.parquet"


def test_kedro_serve_refuses_what_is_no_environment(executed):
    assert "no environment" in executed("--env", "nowhere")
