"""Asks MLflow's database for the champion, for a service that has no MLflow.

    python -m book_forecast.serving.registry_process sqlite:///mlruns/mlflow.db

Prints `{}` once it can be asked; then each line on its input is answered by a line of JSON. It ends
with its input, so it does not outlive the service.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main(uri: str) -> None:
    """Answer until nobody asks."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    from book_forecast.serving.registry import ALIAS, MODEL, TAG

    file = Path(uri.removeprefix("sqlite:///"))

    def ask() -> dict[str, Any]:
        # MLflow would make one, as soon as there is a client.
        if not file.exists():
            return {"problem": f"there is no {file}"}
        try:
            version = MlflowClient(uri, uri).get_model_version_by_alias(MODEL, ALIAS)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return {"release": None}
            return {"problem": str(error.message)}
        except Exception as error:  # noqa: BLE001
            return {"problem": str(error)}
        if TAG not in version.tags:
            return {"problem": f"the version with the alias {ALIAS} has no tag {TAG}"}
        return {"release": version.tags[TAG]}

    say({})
    for _ in sys.stdin:
        say(ask())


def say(content: dict[str, Any]) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{json.dumps(content)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
