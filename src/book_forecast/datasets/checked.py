"""Documents that pipelines read again, with a checksum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from book_forecast.datasets.atomic import AtomicJSONDataset
from book_forecast.storage.checked_documents import with_checksum, without_checksum


class CheckedJSONDataset(AtomicJSONDataset):
    """An object in one JSON file with a checksum.

    Example:
        ```yaml
        calibration:
          type: book_forecast.datasets.CheckedJSONDataset
          filepath: "${_root}/06_models/calibration.json"
        ```
    """

    def _read(self) -> Any:
        return without_checksum(super()._read(), self._filepath.name)

    def _write(self, data: Mapping[str, Any], file: IO[str]) -> None:
        super()._write(with_checksum(data, self._filepath.name), file)
