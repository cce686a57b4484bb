"""Generations that no reader needs can be removed once they are old."""

import datetime as dt
import os
import time

import pytest

from tests.datasets.generations import names, reader_of, save_all

DAY = 24 * 3600.0


def before(days: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(days=days)


def age(folder, name: str, days: float) -> None:
    for path in (folder / name).iterdir():
        moment = time.time() - days * DAY
        os.utime(path, (moment, moment))


@pytest.fixture
def folder(tmp_path):
    """Three complete generations and a part of a fourth, 30, 20, 10 and 5 days old."""
    from book_forecast.datasets import GenerationDataset

    folder = tmp_path / "models"
    dataset = GenerationDataset(filepath=str(folder), keep=5)
    for number, name in enumerate(("a", "b", "c")):
        save_all(dataset, name, 2, number, inputs={"sales": f"of {name}"})
    save_all(dataset, "d", 2, order=[1])
    for name, days in (("a", 30), ("b", 20), ("c", 10), ("d", 5)):
        age(folder, name, days)
    return folder


def test_the_one_that_is_read_stays_whatever_its_age(folder):
    found = reader_of(folder, sales="of c").disused(before(1))
    assert [one.name for one in found] == ["models/a", "models/b", "models/d"]
    assert found[0].n_bytes > 1000
    assert abs(found[0].since - before(30)) < dt.timedelta(hours=1)


def test_the_one_of_the_present_inputs_stays_beside_the_last(folder):
    dataset = reader_of(folder, sales="of a")
    assert [one.name for one in dataset.disused(before(1))] == ["models/b", "models/d"]


def test_younger_ones_stay(folder):
    dataset = reader_of(folder, sales="of c")
    assert [one.name for one in dataset.disused(before(15))] == ["models/a", "models/b"]
    assert dataset.disused(before(40)) == []


def test_the_rest_of_an_interrupted_removal_is_no_generation_and_goes_later(folder):
    dataset = reader_of(folder, sales="of a")
    (folder / "a/manifest.json").unlink()
    assert dataset.load()["order"].min() >= 200
    for one in dataset.disused(before(1)):
        dataset.remove(one)
    assert names(folder) == ["c"]


def test_a_folder_that_is_not_there_has_none(tmp_path):
    assert reader_of(tmp_path / "nothing").disused(before(0)) == []
