"""Tables as MLflow's datasets: name, digest, columns and extent, without the rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd

from book_forecast.execution.fingerprints import fingerprint
from book_forecast.execution.lineage import Lineage
from book_forecast.tracking.names import Extent

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_DIGEST_LENGTH = 8
_CONTEXT = "mlflow.data.context"
_TYPES = {"i": "long", "u": "long", "f": "double", "b": "boolean", "M": "datetime"}


def dataset_input(name: str, frame: pd.DataFrame, source: str, context: str) -> DatasetInput:
    """Return a table as the input of a run.

    Args:
        name: Name of the catalog's entry.
        frame: The table.
        source: Its path or URL.
        context: What it is for, such as ``training``.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    columns = [
        {"type": _TYPES.get(kind.kind, "string"), "name": str(column), "required": True}
        for column, kind in frame.dtypes.items()
    ]
    extent = Extent.of(frame)
    profile = {"num_rows": len(frame), **(extent.tags() if extent else {})}
    dataset = Dataset(
        name=name,
        digest=_digest(frame),
        source_type="local" if "://" not in source else source.partition("://")[0],
        source=json.dumps({"uri": source}),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, [InputTag(_CONTEXT, context)])


def _digest(frame: pd.DataFrame) -> str:
    """The fingerprint that its lineage has, or one of its content."""
    lineage = Lineage.of(frame.attrs)
    return ((lineage and lineage.digest) or fingerprint(frame))[:_DIGEST_LENGTH]
