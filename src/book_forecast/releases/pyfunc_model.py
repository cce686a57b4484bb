"""The MLflow model of a release: the code that is logged beside the payload.

MLflow runs it where nothing of this project is installed.
"""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from book_forecast_release_1.contents import read_payload  # type: ignore[import-not-found]
from book_forecast_release_1.forecast_reader import ForecastReader  # type: ignore[import-not-found]
from book_forecast_release_1.running_sums import running_sums  # type: ignore[import-not-found]
from book_forecast_release_1.sums import SumReader  # type: ignore[import-not-found]
from mlflow.pyfunc.model import PythonModel

HORIZON = 32
LEVELS = (80.0, 95.0)


class ReleaseModel(PythonModel):
    """Forecasts of any titles of the release, for any horizon up to 104 weeks and any levels."""

    # MLflow reads a signature from type hints otherwise, and warns of hints that it cannot use.
    _skip_type_hint_validation = True

    def load_context(self, context: Any) -> None:
        """Read and check the payload."""
        payload = read_payload(Path(context.artifacts["payload"]))
        self.reader, self.sums = ForecastReader(payload), SumReader(payload)

    def predict(  # type: ignore[no-untyped-def]
        self,
        context,  # noqa: ARG002 - MLflow passes it
        model_input,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return forecasts.

        Args:
            context: MLflow's.
            model_input: A frame with a column isbn, or a list of ISBNs; each once.
            params: horizon, in weeks; levels, in percent; cumulative, whether to add the sums of
                the weeks up to each one.

        Returns:
            isbn, week, cutoff, release, model, mean and `lo-L`, `hi-L` for each level; with
            cumulative, the same of the sums as cumulative-mean and `cumulative-lo-L`, ….

        Raises:
            KeyError: If the release does not have a title.
            ValueError: If horizon or level are out of bounds.
        """
        given = params or {}
        horizon = int(given.get("horizon", HORIZON))
        levels = [float(level) for level in np.atleast_1d(given.get("levels", LEVELS))]
        cumulative = bool(given.get("cumulative", False))
        frames = []
        for isbn in map(str, _isbns(model_input)):
            frame = self._frame(isbn, horizon, levels)
            sums = self._sums(isbn, horizon, levels) if cumulative else {}
            frames.append(frame.assign(**sums))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def _frame(self, isbn: str, horizon: int, levels: list[float]) -> pd.DataFrame:
        if isbn not in self.reader:
            raise KeyError(f"The release {self.reader.payload.release} has no title {isbn}.")
        found = self.reader.forecast(isbn, horizon, levels)
        columns: dict[str, Any] = {
            "isbn": isbn,
            "week": found.weeks.astype("datetime64[s]"),
            "cutoff": pd.Timestamp(found.cutoff),
            "release": self.reader.payload.release,
            "model": found.model,
            "mean": found.mean,
        }
        for level, (lower, upper) in found.bounds.items():
            columns |= {f"lo-{level:g}": lower, f"hi-{level:g}": upper}
        return pd.DataFrame(columns)

    def _sums(self, isbn: str, horizon: int, levels: list[float]) -> dict[str, Any]:
        """Return the columns of running sums."""
        tails = [0.5 - level / 200.0 for level in levels]
        found = running_sums(self.sums, isbn, horizon, [p for t in tails for p in (t, 1.0 - t)])
        names = [f"cumulative-{side}-{level:g}" for level in levels for side in ("lo", "hi")]
        return {"cumulative-mean": found.mean} | dict(zip(names, found.quantiles, strict=True))


def _isbns(model_input: Any) -> list[Any]:
    if isinstance(model_input, pd.DataFrame):
        return list(model_input["isbn"])
    return list(np.ravel(model_input))


mlflow.models.set_model(ReleaseModel())
