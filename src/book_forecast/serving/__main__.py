"""Starts the service: `python -m book_forecast.serving --releases FOLDER --port 8080`."""

from __future__ import annotations

import argparse
import logging.config
import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Serve until told to end."""
    # It asks for a look at the champion: before that can be heard, it must not end the process.
    with suppress(AttributeError):  # not every system has it
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from book_forecast.serving.logs import LOG_CONFIG
    from book_forecast.serving.no_pandas import keep_pandas_out
    from book_forecast.serving.settings import read_settings
    from book_forecast.serving.source import source_of
    from book_forecast.serving.watch import Watch
    from book_forecast.storage.errors import UserError

    keep_pandas_out()
    # Requests wait that long for a thread that works beside them, such as a comparison of releases.
    sys.setswitchinterval(0.0005)
    parser = argparse.ArgumentParser(prog="python -m book_forecast.serving", description=__doc__)
    parser.add_argument("--releases", metavar="FOLDER", help="store of all releases")
    parser.add_argument("--storage-uri", metavar="FOLDER", help="one release, or a model with it")
    parser.add_argument("--registry", metavar="URI", help="MLflow's server or SQLite file")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    try:
        settings = read_settings(os.environ, **vars(parser.parse_args()))
    except UserError as error:
        sys.exit(f"Error: {error}")
    logging.config.dictConfig(LOG_CONFIG)
    watch = Watch(source_of(settings), settings.poll_seconds)
    watch.start()
    # Imported while the first release is being read.
    import uvicorn

    from book_forecast.serving.app import create_app
    from book_forecast.serving.connection import connection_of

    uvicorn.run(
        create_app(settings, watch),
        host=settings.host,
        port=settings.port,
        # By h11: httptools takes headers of any size into memory.
        http=connection_of(settings.body_seconds),
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


if __name__ == "__main__":
    main()
