"""Where the metrics of a run go, by environment variables; another module sends them."""

from collections.abc import Mapping

PUSHGATEWAY, FOLDER = "BOOK_FORECAST_PUSHGATEWAY", "BOOK_FORECAST_METRICS_FOLDER"


def is_set_up(variables: Mapping[str, str]) -> bool:
    """Return whether there is anywhere to send metrics to.

    Args:
        variables: The environment variables.
    """
    return any(variables.get(name) for name in (PUSHGATEWAY, FOLDER))
