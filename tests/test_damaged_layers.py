"""Every file of 03_primary and 06_models, damaged: an error that names it, or what it was."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io.core import DatasetError

from book_forecast.datasets import CheckpointFolderDataset, FormerTableDataset
from book_forecast.payload.contents import Payload
from book_forecast.storage.errors import UserError, describe_storage_error, find_user_error
from tests.runs import kedro_run

LAYERS = ("03_primary", "06_models")
Damage = Callable[[bytes, random.Random], bytes]

pytestmark = pytest.mark.slow


def flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def flipped_near_its_end(content: bytes, chance: random.Random) -> bytes:
    """The end of a Parquet file has names, types and places."""
    changed = bytearray(content)
    changed[-1 - chance.randrange(len(content) // 4 + 1)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def truncated(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(1, len(content))]


def zeroed(content: bytes, chance: random.Random) -> bytes:
    """Some file systems leave zeros after a loss of power."""
    start = chance.randrange(len(content))
    return content[:start] + bytes(len(content) - start)


def emptied(content: bytes, chance: random.Random) -> bytes:
    return b""


def of_another_file(content: bytes, chance: random.Random) -> bytes:
    """A whole table or document of the same run, as of a wrong restore; the test says which."""
    return content


def of_another_kind(content: bytes, chance: random.Random) -> bytes:
    kinds = [b'{"op_code":6}', b"[null]", b"<html>", b"PAR1PAR1", b"\xff\xfe", b"null", b"[" * 5000]
    return chance.choice(kinds)


DAMAGES: list[tuple[Damage, int]] = [
    (flipped, 6),
    (flipped_near_its_end, 6),
    (truncated, 2),
    (zeroed, 2),
    (emptied, 1),
    (of_another_kind, 3),
    (of_another_file, 2),
]


@pytest.fixture(scope="module")
def root(whole_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("damaged") / "data"
    shutil.copytree(whole_run, copy)
    return copy


@pytest.fixture(scope="module")
def entries(root: Path, project_path: Path) -> dict[str, Any]:
    """The datasets of both layers by name."""
    bootstrap_project(project_path)
    given = {"data_root": str(root)}
    created = KedroSession.create(project_path, runtime_params=given, save_on_close=False)
    with cast("Any", created) as session:
        catalog = session.load_context().catalog
    found = {name: catalog.get(name) for name in catalog}
    return {
        name: dataset
        for name, dataset in found.items()
        if folder(dataset).is_relative_to(root)
        and folder(dataset).relative_to(root).parts[0] in LAYERS
        and not isinstance(dataset, CheckpointFolderDataset)
    }


def folder(dataset: Any) -> Path:
    """The file or the folder of an entry; that of one in memory is nowhere."""
    return Path(str(getattr(dataset, "_filepath", "nowhere")))


@pytest.fixture(scope="module")
def contents(entries: dict[str, Any]) -> dict[str, Any]:
    """What each of them holds, as far as the run has written it."""
    found = {}
    for name, dataset in entries.items():
        dataset.release()
        if dataset.exists():
            found[name] = plain(dataset.load())
    return found


def plain(thing: Any) -> Any:
    """A thing that `==` compares with others of its kind."""
    if isinstance(thing, pd.DataFrame):
        return thing.to_json(date_format="iso"), [str(kind) for kind in thing.dtypes], thing.attrs
    if isinstance(thing, Payload):
        return thing.manifest, thing.titles.to_pylist(), thing.mean.tobytes()
    if isinstance(thing, dict):
        return {name: plain(part() if callable(part) else part) for name, part in thing.items()}
    return thing


def files(root: Path) -> Iterator[Path]:
    for layer in LAYERS:
        for path in sorted((root / layer).rglob("*")):
            if path.is_file() and "checkpoints" not in path.parts:
                yield path


def readers(entries: dict[str, Any], path: Path) -> list[str]:
    """The entries that read a file."""
    return [name for name, dataset in entries.items() if path.is_relative_to(folder(dataset))]


def problem_after(dataset: Any, wanted: Any) -> str | None:
    """What is wrong with how an entry reads a damaged file; None if all is well."""
    dataset.release()
    try:
        found = plain(dataset.load())
    except (DatasetError, UserError, OSError) as error:
        told = find_user_error(error)
        text = str(told) if told else describe_storage_error(error)
        if text is None:
            return f"a traceback: {error!r} from {error.__cause__!r}"
        return None if "\n" not in text else f"more than a paragraph: {text}"
    except Exception as error:  # noqa: BLE001 - this is what the test looks for
        return f"a traceback: {error!r}"
    # A former table that cannot be read is none; what it is compared with is complete.
    is_right = found == wanted or (isinstance(dataset, FormerTableDataset) and found is None)
    return None if is_right else f"other content: {str(found)[:300]}"


@pytest.mark.parametrize(("damage", "times"), DAMAGES, ids=[d.__name__ for d, _ in DAMAGES])
def test_a_damaged_file_is_an_error_or_what_it_was(root, entries, contents, damage, times):
    problems, tried = [], 0
    whole = {path: path.read_bytes() for path in files(root)}
    for path, content in whole.items():
        others = [
            other
            for at, other in whole.items()
            if at.suffix == path.suffix and at.name != path.name and other != content
        ]
        names = [name for name in readers(entries, path) if name in contents]
        for number in range(times):
            chance = random.Random(f"{path.name} {number}")
            source = chance.choice(others) if damage is of_another_file else content
            path.write_bytes(damage(source, chance))
            tried += 1
            for name in names:
                problem = problem_after(entries[name], contents[name])
                if problem:
                    problems.append(f"{path.relative_to(root)} #{number}, {name}: {problem}")
        path.write_bytes(content)
    assert not problems, "\n".join(problems[:20]) + f"\n{len(problems)} of {tried}"
    assert tried >= 40 * times


def tree(root: Path) -> dict[str, bytes]:
    """All but the fit of the champion on the training weeks, which `train` begins with."""
    kept = ("01_raw", *LAYERS, "07_model_output")
    return {
        str(path.relative_to(root)): path.read_bytes()
        for layer in kept
        for path in sorted((root / layer).rglob("*"))
        if path.is_file() and path.parent != root / "06_models/champion"
    }


@pytest.mark.parametrize(
    ("pattern", "pipeline"),
    [
        ("03_primary/weekly_sales.parquet", "preprocess"),
        ("06_models/specifications.parquet", "train"),
        ("06_models/releases/2*/distributions-*.parquet", "forecast"),
    ],
)
def test_a_pipeline_that_reads_it_ends_in_one_paragraph_and_loses_nothing(
    root, project_path, pattern, pipeline
):
    contents = {path: path.read_bytes() for path in root.glob(pattern)}
    for path, content in contents.items():
        path.write_bytes(truncated(content, random.Random(1)))
    before = tree(root)
    try:
        done = kedro_run(project_path, root, "--pipeline", pipeline)
        after = tree(root)
        assert {name: after.get(name) for name in before} == before
    finally:
        for path, content in contents.items():
            path.write_bytes(content)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert any(path.name in done.stderr.replace("\n", "") for path in contents)
    assert "damaged" in done.stderr


def test_a_delivery_repairs_the_table_that_it_writes(root, project_path):
    path = root / "03_primary/weekly_sales.parquet"
    content, wanted = path.read_bytes(), pd.read_parquet(path)
    path.write_bytes(truncated(content, random.Random(1)))
    try:
        done = kedro_run(project_path, root, "--pipeline", "ingest")
        assert done.returncode == 0, done.stderr
        assert pd.read_parquet(path).equals(wanted)
    finally:
        path.write_bytes(content)
