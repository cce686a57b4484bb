"""What a cached step depends on."""

import pytest
import yaml

from runner_testing.small import small_files
from zenml_runner.client import installed_packages
from zenml_runner.commands.prepare import prepare
from zenml_runner.steps import caching
from zenml_runner.steps.caching import _code

REGISTRY = """
def copy(table): return table
def register_pipelines():
    return {"__default__": Pipeline([
        node(copy, "space.table", "between", name="copy"),
        node(copy, "between", "space.copied", name="again"),
    ])}
"""
CSV = {"type": "pandas.CSVDataset", "filepath": "{name}.csv"}


@pytest.fixture
def key_of(opened):
    """Returns the key of the only step, with an entry for all datasets in files."""

    def key(entry, **more):
        catalog = yaml.safe_dump({"space.{name}": entry, **more})
        folder = opened(small_files(REGISTRY, catalog, package="cached"))
        (folder / "conf/local/credentials.yml").write_text(f"secret: {{key: {more!s}}}")
        if not (folder / "table.csv").exists():
            (folder / "table.csv").write_text("x,y\n1,2\n")
        prepared = prepare(folder, "__default__", None, None, {}, None)
        (step,) = prepared.plan.steps
        return caching._key(prepared.execution, step)

    return key


@pytest.mark.parametrize(
    "change",
    [
        {"load_args": {"usecols": ["y"]}},
        {"save_args": {"index": False}},
        {"type": "pandas.GenericDataset", "file_format": "csv"},
        {"fs_args": {"auto_mkdir": True}},
        {"metadata": {"unit": "copies"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_catalog_of_what_a_step_reads_and_writes_counts(key_of, change):
    before = key_of(CSV)
    assert before is not None
    assert key_of(CSV | change) != before
    assert key_of(CSV) == before


def test_other_datasets_and_credentials_do_not_count(key_of):
    with_secret = CSV | {"credentials": "secret"}
    other = {"type": "json.JSONDataset", "filepath": "other.json"}
    assert key_of(CSV, other=other) == key_of(CSV)
    assert key_of(with_secret, other=other) == key_of(with_secret)


def test_the_versions_of_libraries_count(key_of, monkeypatch, tmp_path):
    before = key_of(CSV)
    package = tmp_path / "library-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: library\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    installed_packages.cache_clear()
    assert key_of(CSV) != before
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: library\nVersion: 1.1\n")
    second = key_of(CSV)
    installed_packages.cache_clear()
    assert key_of(CSV) != second
    monkeypatch.undo()
    installed_packages.cache_clear()


def test_all_code_of_the_project_counts_and_none_of_hidden_folders(tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / ".venv").mkdir()
    module = tmp_path / "tiny" / "nodes.py"
    module.write_text("a = 1\n")
    before = _code(tmp_path)
    (tmp_path / ".venv" / "other.py").write_text("b = 1\n")
    assert _code(tmp_path) == before
    module.write_text("a = 2\n")
    assert _code(tmp_path) != before
