"""Generations of a catalogue's titles, for the tests of their dataset."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from book_forecast.datasets import GenerationDataset
from book_forecast.execution.lineage import Lineage
from book_forecast.execution.parts import Part
from book_forecast.options.groups import Shard

TITLES = [f"97800000000{i:02d}" for i in range(23)]


def models(titles: list[str], generation: int = 1) -> pd.DataFrame:
    return pd.DataFrame(
        {"isbn": pd.Series(titles, dtype="str"), "order": np.arange(len(titles)) + generation * 100}
    ).assign(reason=None)


def dataset_at(folder: Path, keep: int = 2) -> GenerationDataset:
    return GenerationDataset(filepath=str(folder), keep=keep)


def save_all(
    dataset: GenerationDataset,
    name: str,
    count: int,
    generation: int = 1,
    inputs: dict[str, str] | None = None,
    order: Sequence[int] = (),
) -> None:
    for index in order or range(1, count + 1):
        shard = Shard(index=index, count=count)
        frame = models(shard.take(TITLES), generation)
        Lineage(name, f"run of {name}", inputs or {}).attach(frame)
        dataset.save(Part(frame, name, shard))


def reader_of(folder: Path, **digests: str) -> GenerationDataset:
    """Another process's dataset, which knows the present digests of its inputs."""
    dataset = dataset_at(folder)
    dataset.read_with(digests.get)
    return dataset


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
