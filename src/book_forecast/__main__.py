"""Runs the project without the `kedro` command: `python -m book_forecast`."""

from kedro.framework.project import configure_project


def main() -> None:
    """Configure the project, then do what `kedro run` does."""
    configure_project("book_forecast")
    from book_forecast.cli.run_command import run

    run()


if __name__ == "__main__":
    main()
