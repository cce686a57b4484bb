"""Starts the service: `python -m book_forecast.serving --releases FOLDER --port 8080`."""

from __future__ import annotations

import argparse
import logging.config
import math
import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Serve until the process is asked to end."""
    # The signal asks for a look at the champion; until it is handled, it must not end the process.
    with suppress(AttributeError):  # not every system has it
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from book_forecast.serving.http.logs import LOG_CONFIG
    from book_forecast.serving.loading.no_pandas import keep_pandas_out
    from book_forecast.serving.release.watch import watch_of
    from book_forecast.serving.settings import read_settings
    from book_forecast.storage.errors import UserError

    keep_pandas_out()
    # A request waits this long for another thread, such as a comparison of releases.
    sys.setswitchinterval(0.0005)
    parser = argparse.ArgumentParser(prog="python -m book_forecast.serving", description=__doc__)
    parser.add_argument("--releases", metavar="FOLDER", help="folder of all releases")
    parser.add_argument("--storage-uri", metavar="FOLDER", help="one release, or a model with it")
    parser.add_argument("--stock", metavar="FILE", help="advice on stock, beside the releases")
    parser.add_argument("--log", metavar="FOLDER", help="log of served forecasts")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    try:
        settings = read_settings(os.environ, **vars(parser.parse_args()))
    except UserError as error:
        sys.exit(f"Error: {error}")
    logging.config.dictConfig(LOG_CONFIG)
    watch = watch_of(settings)
    watch.start()
    # Imported while the watch reads the first release.
    import uvicorn

    from book_forecast.serving.app import create_app
    from book_forecast.serving.http.connection import connection_of

    app = create_app(settings, watch)
    try:
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            # h11, because httptools takes headers of any size into memory.
            http=connection_of(settings.body_seconds),
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            # Uvicorn's 5 s would disconnect callers that may wait for `body_seconds`.
            timeout_keep_alive=math.ceil(settings.body_seconds) + 1,
            timeout_graceful_shutdown=settings.shutdown_seconds,
        )
    finally:
        # Uvicorn ends without the application's own end at a second Ctrl-C.
        if app.state.served_log is not None:
            app.state.served_log.close(settings.shutdown_seconds)


if __name__ == "__main__":
    main()
