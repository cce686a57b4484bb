"""The optional family `pretrained`: a Chronos model whose weights lie in a local folder.

PyTorch and chronos-forecasting are an extra of the project (`pip install ".[pretrained]"`). Only
the fit imports them. A fitted model is plain data, so that nothing that serves forecasts needs
them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import warnings
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from scipy.stats import norm

from book_forecast.forecasters.base import Capabilities
from book_forecast.forecasters.given_points import GivenPoints
from book_forecast.options.models import ModelOptions, PretrainedOptions
from book_forecast.series.history import MODEL_HORIZON, FloatArray, History
from book_forecast.storage.errors import UserError

QUANTILES = (0.1, 0.5, 0.9)

# The first Chronos draws samples, so that its forecasts do not repeat.
_KINDS = ("ChronosBoltPipeline", "Chronos2Pipeline")
# Without these, Hugging Face's libraries ask a network for what they miss.
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK")


class Pretrained(GivenPoints):
    """Medians of a model that others have trained, without a fit to the title.

    The network sees the title's latest weeks in copies; missing ones stay missing. The deviation of
    one step is that of its quantiles.
    """

    family: ClassVar[str] = "pretrained"
    capabilities: ClassVar[Capabilities] = Capabilities(seasonal=True, missing=True, fewest_weeks=4)

    @classmethod
    def from_weights(cls, history: History, options: PretrainedOptions) -> Self:
        """Forecast a title's weeks with the weights in a folder.

        Args:
            history: The title's weeks.
            options: Where they are, and how much of the history the network sees.

        Raises:
            ValueError: No folder is named, fewer than `fewest_weeks` are known among these weeks,
                or the forecast is not finite.
            UserError: The folder or the package is missing.
        """
        if options.folder is None:
            raise ValueError(f"{cls.family} has no folder of weights.")
        seen = history.volumes[-options.context :]
        n_known = int(np.isfinite(seen).sum())
        if n_known < cls.capabilities.fewest_weeks:
            raise ValueError(
                f"{history.isbn} has {n_known} known weeks, {cls.family} needs at least "
                f"{cls.capabilities.fewest_weeks}."
            )
        return cls.from_quantiles(history, _predict(options.folder, seen))

    @classmethod
    def from_quantiles(cls, history: History, copies: FloatArray) -> Self:
        """Return the model of one title.

        Args:
            history: The title's weeks.
            copies: `QUANTILES` of the weeks after them, shape (MODEL_HORIZON, 3).

        Raises:
            ValueError: If the history has no known week, or the quantiles are not finite.
        """
        transform = cls._scale_of(history, copies)
        low, points, high = transform.apply(np.maximum(copies, 0.0)).T
        reach = norm.ppf(QUANTILES[-1]) - norm.ppf(QUANTILES[0])
        deviation = max(float(high[0] - low[0]), 0.0) / reach
        n = len(history.volumes)
        return cls(points, cls.GAIN, deviation, transform, history.volumes, n)


def check_weights(folder: str) -> None:
    """Check that the extra is installed, and that a folder has weights that can be loaded safely.

    Args:
        folder: Has `config.json` and `*.safetensors`, as Chronos-2 and Chronos-Bolt are published.

    Raises:
        UserError: One of them is missing. Weights in other formats run code when they are read.
    """
    if importlib.util.find_spec("chronos") is None:
        raise UserError(
            "The family pretrained needs the extra of this name: pip install '.[pretrained]', or "
            "leave it out of models.families."
        )
    path, needed = Path(folder), "name the folder of a Chronos-2 or Chronos-Bolt model."
    if not (path / "config.json").is_file() or not sorted(path.glob("*.safetensors")):
        raise UserError(
            f"models.pretrained.folder {folder} has no config.json and *.safetensors: {needed}"
        )
    try:
        kind = json.loads((path / "config.json").read_text(encoding="utf-8"))
        kind = kind["chronos_pipeline_class"]
    except (ValueError, KeyError, TypeError):
        kind = None
    if kind not in _KINDS:
        raise UserError(f"{path / 'config.json'} is of another model: {needed}")


def weights_of(models: ModelOptions) -> str | None:
    """Return a digest of the weights if the family is wanted; see `digest_weights`."""
    folder = models.pretrained.folder
    if folder is None or Pretrained.family not in models.families:
        return None
    return digest_weights(folder)


@cache
def digest_weights(folder: str) -> str:
    """Return a digest of the files that decide the forecasts.

    Raises:
        UserError: See `check_weights`.
    """
    check_weights(folder)
    found = hashlib.sha256()
    for path in sorted([Path(folder) / "config.json", *Path(folder).glob("*.safetensors")]):
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


@cache
def _pipeline(folder: str) -> Any:
    """Load the network once in a process."""
    check_weights(folder)
    os.environ.update(dict.fromkeys(_OFFLINE, "1"))
    import torch
    from chronos import BaseChronosPipeline

    # Titles are spread over processes; threads of each would spin on the same cores.
    torch.set_num_threads(1)
    return BaseChronosPipeline.from_pretrained(
        str(Path(folder).resolve()),
        device_map="cpu",
        dtype=torch.float32,
        local_files_only=True,
        use_safetensors=True,
    )


def _predict(folder: str, volumes: FloatArray) -> FloatArray:
    """Return `QUANTILES` of the weeks ahead in copies, shape (MODEL_HORIZON, 3)."""
    pipeline = _pipeline(folder)
    import torch

    context = torch.tensor(volumes, dtype=torch.float32)
    with torch.inference_mode(), warnings.catch_warnings():
        # A release holds more weeks than a network forecasts in one piece.
        warnings.filterwarnings("ignore", "We recommend keeping prediction length")
        quantiles, _ = pipeline.predict_quantiles(
            [context], prediction_length=MODEL_HORIZON, quantile_levels=[*QUANTILES]
        )
    return np.asarray(quantiles[0], dtype=np.float64).reshape(MODEL_HORIZON, len(QUANTILES))
