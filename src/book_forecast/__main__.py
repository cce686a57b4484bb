"""Runs the project without the `kedro` command: `python -m book_forecast`."""

from book_forecast.cli import main

if __name__ == "__main__":
    main()
